import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { RebootlessError } from "../../shared/errors.ts";

/** What uname(1) prints for these options, without its newline. */
export async function systemUname(options: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)("uname", options)).stdout.trimEnd();
  } catch (cause) {
    throw new RebootlessError("io", "uname did not run", { cause });
  }
}
