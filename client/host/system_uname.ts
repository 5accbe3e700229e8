import { mustRun } from "../../node/processes.ts";
import { RebootlessError } from "../../shared/errors.ts";

/** Returns what uname(1) prints for some options, without the newline. */
export async function systemUname(options: readonly string[]): Promise<string> {
  try {
    return (await mustRun("uname", options)).trimEnd();
  } catch (cause) {
    throw new RebootlessError("io", "uname did not run", { cause });
  }
}
