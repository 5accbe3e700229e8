import { RebootlessError } from "../../../shared/errors.ts";
import { installedCompiler, kernelCompiler } from "../source/compiler.ts";
import { type BuildPlace, givenPlace, THIS_MACHINE } from "./build_place.ts";
import { openRoot } from "./build_root.ts";

export interface PlaceOptions {
  /** The beginning of each command that compiles. */
  readonly builder?: string;
  /** The suite of a build root, or true for the one that has the kernel's compiler. */
  readonly root?: string | true;
  readonly forceCompiler: boolean;
}

/**
 * Opens the place where the makefiles and the compiler of a kernel run. A root whose suite is not named is taken only if
 * this machine's compiler is another than the kernel's.
 * @param config the kernel's configuration.
 * @throws RebootlessError `usage`, and as `openRoot`.
 */
export async function choosePlace(
  config: string,
  { builder, root, forceCompiler }: PlaceOptions,
  { cache, progress }: { readonly cache: string; readonly progress: (line: string) => void },
): Promise<BuildPlace> {
  if (builder !== undefined && root !== undefined)
    throw new RebootlessError("usage", "--root and --builder exclude each other");
  if (builder !== undefined) return givenPlace(builder);
  const compiler = kernelCompiler(config);
  if (root === undefined || compiler === undefined) return THIS_MACHINE;
  if (root === true) {
    const here = await installedCompiler(config, THIS_MACHINE.runner()).catch(() => undefined);
    if (here === compiler.text) return THIS_MACHINE;
  }
  return openRoot(compiler, { suite: root === true ? undefined : root, forceCompiler, cache, progress });
}
