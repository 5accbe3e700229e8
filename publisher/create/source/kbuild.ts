import { join } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "./build_tools.ts";

/**
 * The flags that give each function and datum a section of its own, and have gcc (12 and later) describe the types that
 * a unit uses in a section `.BTF`, which layout/ compares. Neither changes code. The types cost no time that can be
 * measured, and 80 to 200 KB an object.
 */
export const OBJECT_FLAGS = "-ffunction-sections -fdata-sections -gbtf";

/** A source tree and a build folder, as kbuild sees them (`make O=`). */
export interface Kbuild {
  readonly tree: string;
  readonly out: string;
  readonly jobs: number;
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
  { tree, out, jobs, onStarted, onCompiled }: Kbuild,
  targets: readonly string[],
): Promise<MakeOutcome> {
  const args = ["-C", tree, `O=${out}`, `-j${jobs}`, "--keep-going", "--output-sync=target"];
  const working = runBuildTool("make", [...args, ...makeVariables(out), ...targets], {
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
 * makes its own parts again if one of them changes. For the same reason it does not see whether rustc and bindgen are
 * installed here: C code does not depend on them.
 *
 * The kernel's own flags for debug information (scripts/Makefile.debug) are left out: with them gcc writes DWARF beside
 * the types, which makes an object four times as large.
 *
 * A kernel with indirect branch tracking runs objtool when it links (scripts/Makefile.build, `delay-objtool`). Here
 * nothing is linked, so it runs on each object instead, with the arguments of the link. In kernels that run it on each
 * object anyway, this changes nothing.
 */
export const makeVariables = (out: string): readonly string[] => [
  `PAHOLE=${join(out, "pahole")}`,
  "RUSTC=no-rustc",
  "BINDGEN=no-bindgen",
  `KCFLAGS=${OBJECT_FLAGS}`,
  "DEBUG_CFLAGS=",
  "objtool-enabled=$(is-standard-object)",
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
