import { spawn } from "node:child_process";
import { RebootlessError } from "../shared/errors.ts";

export interface ProgramOptions {
  readonly cwd?: string;
  /** The variables in addition to LC_ALL=C and to PATH and HOME, which are those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /**
   * Open files that the program gets as its descriptors 3, 4, …. It has them as long as it runs, even if this process
   * ends.
   */
  readonly descriptors?: readonly number[];
  /** True to give the program a process group of its own, so that Ctrl-C ends this process and not the program at work. */
  readonly detached?: boolean;
  /** Called with each line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
  /** The time after which the program is ended (SIGTERM). The default is an hour. */
  readonly timeoutMs?: number;
  /** The number of characters of stdout, and of stderr, that are kept; these are the last ones. The default is 64 Mi. */
  readonly maxOutput?: number;
  /** How stdout is decoded: `latin1` preserves every byte. The default is UTF-8. */
  readonly encoding?: "utf8" | "latin1";
  /** The hint of the error that says that the program cannot be run. */
  readonly hint?: string;
}

export interface ProgramResult {
  /** The exit code; 128 if a signal ended the program. */
  readonly code: number;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 60 * 60_000;
const MAX_OUTPUT = 64 << 20;

/**
 * Returns the environment of a program. It has the places of files, and nothing that could change what the program
 * does (the kernel's build system and compilers heed MAKEFLAGS, KCFLAGS, CPATH and LANG).
 */
const environment = (): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: process.env["HOME"] ?? "/",
  LC_ALL: "C",
});

/**
 * Runs a program to its end, with arguments and without a shell. A bad exit code is a result, and not an error.
 *
 * @throws RebootlessError `unsupported` for a program that cannot be run, such as one that is not installed.
 */
export function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { timeoutMs = TIMEOUT_MS, maxOutput = MAX_OUTPUT, hint = `Install ${name}.` } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, {
      cwd: options.cwd,
      env: { ...environment(), ...options.env },
      stdio: ["pipe", "pipe", "pipe", ...(options.descriptors ?? [])],
      detached: options.detached ?? false,
    });
    // The option `timeout` of spawn() leaves its timer running, and so this process, if the program cannot be run.
    const timer = setTimeout(() => child.kill("SIGTERM"), timeoutMs);
    const stdout = collector(maxOutput, options.onLine);
    const stderr = collector(maxOutput);
    child.stdout?.setEncoding(options.encoding ?? "utf8").on("data", stdout.add);
    child.stderr?.setEncoding("utf8").on("data", stderr.add);
    child.stdin?.on("error", () => undefined); // its exit code tells of a program that ends without reading
    child.stdin?.end(options.stdin ?? "");
    child.once("error", (cause) => {
      clearTimeout(timer);
      reject(new RebootlessError("unsupported", `cannot run ${name}`, { cause, hint }));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        code: code ?? 128,
        signal: signal ?? undefined,
        stdout: stdout.text(),
        stderr: stderr.text(),
      });
    });
  });
}

/**
 * Runs a program that has to succeed, and returns its stdout.
 *
 * @throws RebootlessError `io` with the program's output; `unsupported` if it cannot be run.
 */
export async function mustRun(
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(name, args, options);
  if (code === 0) return stdout;
  const output = lastLines(stderr || stdout, 20);
  throw new RebootlessError("io", `${name} ended with exit code ${code}`, { output });
}

/** Returns the last lines of a program's output. Tabs become spaces, because people read the lines. */
export const lastLines = (text: string, count: number): readonly string[] =>
  text.trimEnd().replaceAll("\t", "        ").split("\n").slice(-count);

function collector(maxLength: number, onLine?: (line: string) => void) {
  let text = "";
  let line = "";
  return {
    add(more: string): void {
      text = (text + more).slice(-maxLength);
      if (onLine === undefined) return;
      const lines = (line + more).split("\n");
      line = lines.pop() ?? "";
      for (const each of lines) onLine(each);
    },
    text: () => text,
  };
}
