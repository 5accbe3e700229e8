import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** Paths here of the shared libraries of a program, and of its loader. */
export async function sharedLibraries(program: string): Promise<readonly string[]> {
  const { stdout } = await execFileAsync("ldd", [program]);
  return stdout.split("\n").flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
