import * as fs from "node:fs";
import { promisify } from "node:util";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";

/*
 * Files by their descriptors, of which none is left open. An object for each file, as `node:fs/promises` has them, takes a third
 * more of the processor for a small one. Whatever may wait for a disk is done by threads; closing what was read or is on the disk
 * waits for nothing.
 */

export const link = promisify(fs.link);
export const rename = promisify(fs.rename);
export const unlink = promisify(fs.unlink);
const open = promisify(fs.open);
const read = promisify(fs.read);
const write = promisify(fs.writev);
const sync = promisify(fs.fsync);

/** The first bytes of a file, all of it where it has fewer than so many. */
export async function readBeginning(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await read(file, Buffer.allocUnsafe(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    fs.closeSync(file);
  }
}

/** Makes a file that must not exist yet, of these parts, and waits until it is on the disk. Throws `io` for one cut short. */
export async function writeNewFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const file = await open(path, "wx", 0o644);
  try {
    const { bytesWritten } = await write(file, parts);
    if (bytesWritten !== length) {
      throw new RebootlessError(
        "io",
        `only ${bytesWritten} of ${counted(length, "byte")} went into ${path}`,
        {
          hint: "Is the disk full?",
        },
      );
    }
    await sync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** Waits until the names in a folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await sync(folder);
  } finally {
    fs.closeSync(folder);
  }
}
