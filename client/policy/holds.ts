import { join } from "node:path";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { decodeHolds, encodeHolds, type Hold } from "../plan/holds.ts";

const holdsFile = (stateDir: string): string => join(stateDir, "holds.json");

/**
 * Reads the holds of this host, which apply to every kernel.
 *
 * @throws RebootlessError `config` if the file is damaged, because a hold must not be forgotten.
 */
export async function readHolds(stateDir: string): Promise<readonly Hold[]> {
  const file = holdsFile(stateDir);
  const bytes = await readIfPresent(file);
  if (!bytes) return [];
  try {
    return decodeHolds(bytes);
  } catch (cause) {
    if (!isCode(cause, "parse")) throw cause;
    throw new RebootlessError("config", `${file} is damaged, so it is not known what is held`, {
      cause,
      hint: "Restore the file, or remove it and hold again what must not be applied.",
    });
  }
}

export const writeHolds = (stateDir: string, holds: readonly Hold[]): Promise<void> =>
  writeDurably(holdsFile(stateDir), encodeHolds(holds));
