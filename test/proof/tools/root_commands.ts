import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";

const TAIL_BYTES = 3000;
/** The folder of the root with everything that is made in it; the root's own path of it. */
export const WORK = "/build";
/** The kernel's source and build tree. */
export const TREE = `${WORK}/linux`;

/**
 * The environment of all that runs in the root. The compiler is found through its cache: klp-build begins by removing what
 * an interrupted run has compiled.
 */
const ENVIRONMENT = {
  PATH: "/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: WORK,
  CCACHE_DIR: `${WORK}/ccache`,
  CACHEDIR: `${WORK}/kpatch`,
  LC_ALL: "C.UTF-8",
  KBUILD_BUILD_TIMESTAMP: "2026-01-01",
};

/** A root in which commands run as if it were the whole machine. */
export interface ToolRoot {
  /** Its path on this machine. */
  readonly path: string;
  /**
   * Runs a command in the kernel's tree, behind all other work of this machine. What it prints goes to a log.
   * @throws RebootlessError `io` with the end of the log.
   */
  run(command: readonly string[]): Promise<void>;
}

/** @param log the file that what the commands print is appended to. */
export function toolRoot(path: string, log: string): ToolRoot {
  const variables = Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
  const enter = [
    ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", `--root=${path}`],
    ...[`--wd=${TREE}`, "env", "-i", ...variables, "nice", "-n", "19"],
  ];
  return {
    path,
    async run(command) {
      const code = await logged([...enter, ...command], log);
      if (code === 0) return;
      const output = (await readFile(log, "utf8")).slice(-TAIL_BYTES).split("\n");
      throw new RebootlessError("io", `${command.join(" ")} ended with ${code}`, {
        hint: `All that it printed is in ${log}.`,
        output,
      });
    },
  };
}

function logged([program = "", ...args]: readonly string[], log: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sink = createWriteStream(log, { flags: "a" });
    sink.once("open", () => {
      const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.pipe(sink, { end: false });
      child.stderr.pipe(sink, { end: false });
      child.once("error", reject);
      child.once("close", (code) => sink.end(() => resolve(code ?? 128)));
    });
    sink.once("error", reject);
  });
}

/** Returns the path on this machine of a path in the root. */
export const inRoot = (root: ToolRoot, path: string): string => join(root.path, path);
