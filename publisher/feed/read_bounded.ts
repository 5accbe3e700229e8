import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { RebootlessError } from "../../shared/errors.ts";

/** Reads a file that a person named, up to a limit, whatever it grows to meanwhile. Throws `usage`, `limit`. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const found = statSync(path);
    if (found.size <= maxBytes) {
      // Through threads each of thousands of drafts takes five times as long. What is no file may keep its reader waiting.
      const bytes = found.isFile() ? readFileSync(path) : await readFile(path);
      if (bytes.length <= maxBytes) return new Uint8Array(bytes);
    }
  } catch (cause) {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  }
  throw new RebootlessError("limit", `${path} has more than ${maxBytes} bytes`);
}
