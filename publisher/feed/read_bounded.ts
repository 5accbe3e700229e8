import { open } from "node:fs/promises";
import { RebootlessError } from "../../shared/errors.ts";

/** Reads a file that a person named, up to a limit, whatever it grows to meanwhile. Throws `usage`, `limit`. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  });
  try {
    const { size } = await file.stat();
    const bytes = size <= maxBytes ? await file.readFile() : undefined;
    if (bytes && bytes.length <= maxBytes) return new Uint8Array(bytes);
  } catch (cause) {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  } finally {
    await file.close();
  }
  throw new RebootlessError("limit", `${path} has more than ${maxBytes} bytes`);
}
