import { constants } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RebootlessError } from "../shared/errors.ts";
import { hasErrno } from "./errno.ts";

/** Reads a file, or returns undefined where there is none. */
export async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw ioError(`cannot read ${path}`, error);
  }
}

/** A file that a person named, up to a limit. Throws `usage`, `limit`. */
export async function readNamed(path: string, maxBytes: number): Promise<Uint8Array> {
  // A pipe that nobody writes to is refused like any other that is no file, not waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new RebootlessError("usage", `${path} is not a file`);
    if (found.size > maxBytes) {
      throw new RebootlessError("limit", `${path} has ${found.size} bytes, at most ${maxBytes} make sense`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file whole or not at all, and durably: written beside it, synced, renamed over it, folder synced.
 * A reader sees the old bytes or the new ones; so does the host after a power cut.
 */
export async function writeDurably(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.new`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await rm(temporary, { force: true });
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw ioError(`cannot write ${path}`, error);
  }
}

export async function removeDurably(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await syncFolder(dirname(path));
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw ioError(`cannot remove ${path}`, error);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function ioError(message: string, cause: unknown): RebootlessError {
  if (hasErrno(cause, "EACCES", "EPERM")) {
    return new RebootlessError("not_permitted", message, { cause, hint: "Run as root." });
  }
  const full = hasErrno(cause, "ENOSPC", "EDQUOT");
  return new RebootlessError("io", message, full ? { cause, hint: "The disk is full." } : { cause });
}
