import { mustRun } from "../../../node/processes.ts";

/**
 * Lists the paths on this machine of the shared libraries of a program, and of its loader. The list is empty for a
 * program that needs none.
 * @throws RebootlessError `io` for a file that is not a program.
 */
export async function sharedLibraries(program: string): Promise<readonly string[]> {
  const listed = await mustRun("ldd", [program]);
  return listed.split("\n").flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
