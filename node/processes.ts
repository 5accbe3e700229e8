import { spawn } from "node:child_process";
import { RebootlessError } from "../shared/errors.ts";

/** More than this of what a program prints is not kept: the end of it is what matters. */
const MAX_OUTPUT = 64 << 20;

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Told each line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
  readonly timeoutMs?: number;
}

export interface ProgramResult {
  /** 128 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 60 * 60_000;

/**
 * What programs get of the environment: where they are, and nothing that could change what the kernel's build system or
 * the compiler does (MAKEFLAGS, KCFLAGS, CPATH, LANG).
 */
const environment = (): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: process.env["HOME"] ?? "/",
  LC_ALL: "C",
});

/** Runs a program to its end. A bad exit code is a result. @throws RebootlessError `unsupported` where it is not installed, `limit`. */
export function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, {
      cwd: options.cwd,
      env: { ...environment(), ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: options.timeoutMs ?? TIMEOUT_MS,
    });
    const stdout = collector(options.onLine);
    const stderr = collector();
    child.stdout.on("data", stdout.add);
    child.stderr.on("data", stderr.add);
    child.stdin.on("error", () => undefined); // one that ends without reading is judged by its exit code
    child.stdin.end(options.stdin ?? "");
    child.once("error", (cause) => reject(notInstalled(name, cause)));
    child.once("close", (code) => resolve({ code: code ?? 128, stdout: stdout.end(), stderr: stderr.end() }));
  });
}

/** Like `runProgram`, for programs that have to succeed. Returns stdout. @throws RebootlessError `io` with what it said. */
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

/** Tabs as spaces: they are for the eye. */
export const lastLines = (text: string, count: number): readonly string[] =>
  text.trimEnd().replaceAll("\t", "        ").split("\n").slice(-count);

function notInstalled(name: string, cause: Error): RebootlessError {
  return new RebootlessError("unsupported", `cannot run ${name}`, {
    cause,
    hint: `Install ${name}: docs/patch-authors.md lists what compiling takes.`,
  });
}

function collector(onLine?: (line: string) => void) {
  let text = "";
  let line = "";
  return {
    add(chunk: Buffer): void {
      const more = chunk.toString("utf8");
      text = (text + more).slice(-MAX_OUTPUT);
      if (onLine === undefined) return;
      const lines = (line + more).split("\n");
      line = lines.pop() ?? "";
      for (const each of lines) onLine(each);
    },
    end: () => text,
  };
}
