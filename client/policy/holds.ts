import { join } from "node:path";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { decodeHolds, encodeHolds, type Hold } from "../plan/holds.ts";

const holdsFile = (stateDir: string): string => join(stateDir, "holds.json");

/** What is held on this host, for whichever kernel. Throws `config` when the file is damaged: a hold is not forgotten. */
export async function readHolds(stateDir: string): Promise<readonly Hold[]> {
  const file = holdsFile(stateDir);
  const bytes = await readIfPresent(file);
  if (!bytes) return [];
  try {
    return decodeHolds(bytes);
  } catch (cause) {
    if (!isCode(cause, "parse")) throw cause;
    throw new RebootlessError("config", `${file} is damaged, and what is held is not known`, {
      cause,
      hint: "Restore it, or remove it and hold again what must be.",
    });
  }
}

export const writeHolds = (stateDir: string, holds: readonly Hold[]): Promise<void> =>
  writeDurably(holdsFile(stateDir), encodeHolds(holds));
