import * as fs from "node:fs";
import { promisify } from "node:util";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";

/*
 * Files by their descriptors, all of which are closed again. The objects of `node:fs/promises` take a third more CPU for a
 * small file. Whatever may wait for a disk is asynchronous; closing a file that was read, or that is synced, does not wait.
 */

export const link = promisify(fs.link);
export const rename = promisify(fs.rename);
export const unlink = promisify(fs.unlink);
const open = promisify(fs.open);
const read = promisify(fs.read);
const write = promisify(fs.writev);
const sync = promisify(fs.fsync);

/** Reads the first bytes of a file; all of it where it has fewer. */
export async function readBeginning(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await read(file, Buffer.allocUnsafe(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    fs.closeSync(file);
  }
}

/**
 * Creates a file from these parts, and syncs it.
 *
 * @throws RebootlessError `io` where only part of it could be written.
 */
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

/** Syncs the names in a folder to the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await sync(folder);
  } finally {
    fs.closeSync(folder);
  }
}
