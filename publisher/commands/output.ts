import { lstat, writeFile } from "node:fs/promises";
import { RebootlessError } from "../../shared/errors.ts";

/** Writes a file that was not there. Throws `usage` where one is. */
export async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes, { flag: "wx" }).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot make ${path}`, { cause, hint: ANOTHER_PLACE });
  });
}

/** Writes a file that may be there. Throws `usage` where it cannot be, as in a folder that is not there. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot write ${path}`, { cause });
  });
}

/** Before any of them is made: half of what belongs together is worse than nothing. */
export async function requireAbsent(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const present = await lstat(path).catch(() => undefined);
    if (present) throw new RebootlessError("usage", `${path} is there already`, { hint: ANOTHER_PLACE });
  }
}

const ANOTHER_PLACE = "Nothing is overwritten: choose another place.";
