import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import { make } from "./kbuild.ts";
import type { Workspace } from "./workspace.ts";

/** The most bytes of a file of hooks, which are a few functions. */
export const MAX_HOOKS_BYTES = 1 << 20;
const NAME = "rebootless_hooks";

/** The object of a file of hooks, or the messages of the compiler. */
export type CompiledHooks =
  | { readonly kind: "compiled"; readonly bytes: Uint8Array }
  | { readonly kind: "failed"; readonly output: readonly string[] };

/**
 * Compiles an author's C file as kbuild compiles modules from outside of its tree: in a folder beside it, which every place
 * sees where programs compile.
 */
export async function compileHooks({ kbuild }: Workspace, text: Uint8Array): Promise<CompiledHooks> {
  const folder = await mkdtemp(join(dirname(kbuild.out), "hooks-"));
  try {
    await writeFile(join(folder, "Kbuild"), `obj-m := ${NAME}.o\n`);
    await writeFile(join(folder, `${NAME}.c`), text);
    const { errors } = await make(kbuild, [`M=${folder}`, `${NAME}.o`]);
    const object = await readFile(join(folder, `${NAME}.o`)).catch(() => undefined);
    if (object !== undefined) return { kind: "compiled", bytes: new Uint8Array(object) };
    return { kind: "failed", output: lastLines(errors, 40) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
