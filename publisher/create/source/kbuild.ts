import { lastLines } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { BuildRunner } from "../builder/build_place.ts";
import { standInVariables } from "./stand_ins.ts";

/**
 * The flags that give each function and datum a section of its own, and have gcc (12 and later) describe the types that
 * a unit uses in a section `.BTF`, which layout/ compares. Neither changes code. The types cost no time that can be
 * measured, and 80 to 200 KB an object.
 */
export const OBJECT_FLAGS = "-ffunction-sections -fdata-sections -gbtf";

/** A source tree and a build folder, as kbuild sees them (`make O=`). */
export interface Kbuild {
  /** Runs make where the kernel's compiler is. */
  readonly run: BuildRunner;
  readonly tree: string;
  readonly out: string;
  readonly jobs: number;
  /** The variables of each call (`makeVariables`). */
  readonly variables: readonly string[];
  /** Called when make has begun to work. */
  readonly onStarted: () => void;
  /** Receives each object that kbuild has compiled: "fs/ext4/mballoc.o". */
  readonly onCompiled: (object: string) => void;
}

export interface MakeOutcome {
  readonly code: number;
  /** The text that the compiler and make wrote on stderr. */
  readonly errors: string;
}

/** Runs kbuild for targets, and goes on after a target that fails. */
export async function make(
  { run, tree, out, jobs, variables, onStarted, onCompiled }: Kbuild,
  targets: readonly string[],
): Promise<MakeOutcome> {
  const args = ["-C", tree, `O=${out}`, `-j${jobs}`, "--keep-going", "--output-sync=target"];
  const working = run("make", [...args, ...variables, ...targets], {
    onLine: (line) => {
      const [, object] = /^ {2}CC +(?:\[M\] +)?([^/\s]\S*\.o)$/.exec(line) ?? [];
      if (object !== undefined) onCompiled(object);
    },
  });
  onStarted();
  const { code, stderr } = await working;
  return { code, errors: stderr };
}

/**
 * Returns the variables that every call of kbuild is given. They are always the same, because kbuild configures and
 * makes its own parts again if one of them changes. For the same reason it does not see which rustc, bindgen and pahole
 * are installed here.
 *
 * A kernel that is configured with Rust code builds it when a tree is prepared, which takes the very rustc. The makefiles
 * are told that there is none (CONFIG_RUST); C code, which goes by the generated autoconf.h, sees the setting as it is.
 *
 * The kernel's own flags for debug information (scripts/Makefile.debug) are left out: with them gcc writes DWARF beside
 * the types, which makes an object four times as large.
 *
 * A kernel with indirect branch tracking runs objtool when it links (scripts/Makefile.build, `delay-objtool`). Here
 * nothing is linked, so it runs on each object instead, with the arguments of the link. In kernels that run it on each
 * object anyway, this changes nothing.
 *
 * A kernel without checksums of its exports (CONFIG_MODVERSIONS; Debian's since 6.18) gets them made all the same, because
 * they tell whether a patch changes the types of an export. C code does not see the setting.
 * @param config the kernel's configuration.
 */
export const makeVariables = (out: string, config: string): readonly string[] => [
  ...standInVariables(out),
  "CONFIG_RUST=",
  `KCFLAGS=${OBJECT_FLAGS}`,
  "DEBUG_CFLAGS=",
  "objtool-enabled=$(is-standard-object)",
  ...(config.includes("\nCONFIG_MODVERSIONS=y\n") ? [] : ["CONFIG_MODVERSIONS=y", "CONFIG_GENKSYMS=y"]),
];

/** Runs kbuild for targets that must succeed. @throws RebootlessError `io` with make's messages. */
export async function mustMake(kbuild: Kbuild, targets: readonly string[]): Promise<void> {
  const { code, errors } = await make({ ...kbuild, onCompiled: () => undefined }, targets);
  if (code === 0) return;
  throw new RebootlessError("io", `make ${targets.join(" ")} failed`, {
    output: lastLines(errors, 20),
    hint: "docs/patch-authors.md lists the programs and libraries that the kernel's build system needs.",
  });
}

/**
 * Returns the compiler's messages for each target that failed. With --output-sync=target, the output of a
 * target's commands comes before make's own line about it.
 */
export function failures(errors: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  let lines: string[] = [];
  for (const line of errors.split("\n")) {
    const target = /\*\*\* \[[^\]]*?: (\S+)\] Error \d+$/.exec(line)?.[1];
    const unknown = /\*\*\* No rule to make target '([^']+)'/.exec(line)?.[1];
    if (unknown !== undefined) found.set(unknown, ["the kernel's configuration does not build this object"]);
    else if (target === undefined) {
      if (!/^make(?:\[\d+\])?: /.test(line)) lines.push(line);
    } else {
      found.set(target, lastLines(lines.join("\n"), 40));
      lines = [];
    }
  }
  return found;
}
