import { readFile, stat } from "node:fs/promises";
import { RebootlessError } from "../../shared/errors.ts";

/** The largest vmlinux with debug information has under 1 GB; a vmlinuz has 15 MB. */
export const MAX_IMAGE_BYTES = 1024 * 1024 * 1024;

/** Reads a file that a person named, up to a limit. Throws `usage`, `limit`. */
export async function readInput(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= maxBytes) return await readFile(path);
  } catch (cause) {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  }
  throw new RebootlessError("limit", `${path} has more than ${maxBytes} bytes`);
}
