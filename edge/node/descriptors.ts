import * as fs from "node:fs";
import { promisify } from "node:util";

/*
 * The store's operations on files that node/files.ts does not have: reading the beginning of a file, and
 * giving and removing names. The objects of `node:fs/promises` take a third more CPU for a small file. Calls
 * that may wait for a disk are asynchronous; closing a file that was read does not wait.
 */

export const link = promisify(fs.link);
export const rename = promisify(fs.rename);
export const unlink = promisify(fs.unlink);
const open = promisify(fs.open);
const read = promisify(fs.read);

/** Reads the first bytes of a file, or all of a shorter file. */
export async function readBeginning(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await read(file, Buffer.allocUnsafe(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    fs.closeSync(file);
  }
}
