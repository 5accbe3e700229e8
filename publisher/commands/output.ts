import { lstat, stat, writeFile } from "node:fs/promises";
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

/** Before the work that makes the file is done. Throws `usage` where there is one, unless that is to be replaced. */
export async function requireReplaceable(path: string, replace: boolean): Promise<void> {
  const present = replace ? undefined : await stat(path).catch(() => undefined);
  if (present?.isFile()) {
    throw new RebootlessError("usage", `${path} is there already`, { hint: "`--force` replaces it." });
  }
}

const ANOTHER_PLACE = "Nothing is overwritten: choose another place.";
