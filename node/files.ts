import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  mkdirSync,
  openSync,
  open as openWithCallback,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writev as writevWithCallback,
  write as writeWithCallback,
} from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { RebootlessError } from "../shared/errors.ts";
import { hasErrno } from "./errno.ts";

/*
 * There is one way to read a file and one to write it. Files are read synchronously, because reading each of a
 * publisher's thousands of drafts through threads takes five times as long. They are written through threads, because
 * writing waits for the disk. Descriptors, instead of the objects of `node:fs/promises`, save a third of the
 * processor's time for a small file.
 */

const open = promisify(openWithCallback);
const sync = promisify(fsync);
const write = promisify(writeWithCallback);
const writev = promisify(writevWithCallback);

/** The result of reading a file: `large` if it has more bytes than were allowed, `foreign` if it is not a plain file. */
export type Reading =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "nothing" | "foreign" | "large" };

/** The largest size of a file that a program keeps for itself. The largest such files are artifacts of some 32 MB. */
const MAX_OWN_BYTES = 256 << 20;

/** Opens a file to read it. A named pipe without a writer is opened at once, like any other file. */
export const openToRead = (path: string, flags = 0): number =>
  openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);

/** Reads an open file if it is a plain one of at most `maxBytes`. Bytes that are added to it meanwhile are not read. */
export function readOpen(descriptor: number, maxBytes: number): Reading {
  const status = fstatSync(descriptor);
  if (!status.isFile()) return { kind: "foreign" };
  if (status.size > maxBytes) return { kind: "large" };
  const { buffer, byteOffset, length } = readFileSync(descriptor);
  return length > maxBytes
    ? { kind: "large" }
    : { kind: "bytes", bytes: new Uint8Array(buffer, byteOffset, length) };
}

function readPlainFile(path: string, maxBytes: number): Reading {
  const descriptor = openToRead(path);
  try {
    return readOpen(descriptor, maxBytes);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Returns the bytes of a file of the program's own, or undefined if it does not exist.
 *
 * @throws RebootlessError `io`; `not_permitted` if the file may not be read.
 */
export async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    const reading = readPlainFile(path, MAX_OWN_BYTES);
    if (reading.kind === "bytes") return reading.bytes;
    throw new Error(
      reading.kind === "large" ? `it has more than ${MAX_OWN_BYTES} bytes` : "it is not a file",
    );
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw ioError(`cannot read ${path}`, error);
  }
}

/**
 * Reads a file that the user named. A pipe is refused, like everything else that is not a plain file.
 *
 * @throws RebootlessError `usage`; `limit` for more than `maxBytes`.
 */
export async function readNamed(path: string, maxBytes: number): Promise<Uint8Array> {
  const reading = tryRead(path, maxBytes);
  if (reading.kind === "bytes") return reading.bytes;
  if (reading.kind === "large") throw new RebootlessError("limit", `${path} has more than ${maxBytes} bytes`);
  throw new RebootlessError("usage", `${path} is not a file`);
}

function tryRead(path: string, maxBytes: number): Reading {
  try {
    return readPlainFile(path, maxBytes);
  } catch (cause) {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  }
}

/** The content of a file: bytes, text, or bytes in parts. */
export type Content = Uint8Array | string | AsyncIterable<Uint8Array>;

/**
 * Replaces a file whole or not at all, and durably: it is written beside its place, synced and renamed, and then the
 * folder is synced. A reader sees the old bytes or the new ones, and so does the machine after a power cut. The
 * folder is made if it is missing. What `content` throws is passed on.
 *
 * @throws RebootlessError `io`; `not_permitted` if nothing may be written there.
 */
export async function writeDurably(path: string, content: Content, mode = 0o644): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryOf(path);
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await rm(temporary, { force: true });
    await writeNewFile(temporary, content, mode);
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error instanceof RebootlessError ? error : ioError(`cannot write ${path}`, error);
  }
}

/**
 * Makes a new file durably. It never replaces a file. The folder must exist.
 *
 * @throws the system's error, which is EEXIST if the file exists; only the caller knows what that means.
 */
export async function createDurably(path: string, content: Content, mode = 0o644): Promise<void> {
  await writeNewFile(path, content, mode);
  await syncFolder(dirname(path));
}

/**
 * Replaces a file whole or not at all, but does not wait for the disk. It is for files that are of no use after a
 * crash, or that are checked when they are read. The folder is made if it is missing.
 *
 * @throws the system's errors.
 */
export function writeWhole(path: string, bytes: Uint8Array | string, mode = 0o644): void {
  const temporary = temporaryOf(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(temporary, { force: true });
  writeFileSync(temporary, bytes, { mode, flag: "wx" });
  renameSync(temporary, path);
}

const temporaryOf = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.new`);

/**
 * Makes a file that must not exist yet and waits until its bytes are on the disk. Its name is on the disk once its
 * folder is synced. If it cannot be written, nothing is left of it.
 *
 * @throws the system's errors.
 */
export async function writeNewFile(
  path: string,
  content: Content | readonly Uint8Array[],
  mode: number,
): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await writeContent(file, content);
    await sync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

async function writeContent(file: number, content: Content | readonly Uint8Array[]): Promise<void> {
  if (typeof content === "string") return writeParts(file, [Buffer.from(content)]);
  if (content instanceof Uint8Array) return writeParts(file, [content]);
  if (!(Symbol.asyncIterator in content)) return writeParts(file, content);
  for await (const part of content) await writeParts(file, [part]);
}

/** Writes all parts. The system may write less than it is given, for example when a disk fills up in the middle. */
async function writeParts(file: number, parts: readonly Uint8Array[]): Promise<void> {
  let { bytesWritten: done } = await writev(file, parts);
  for (const part of parts) {
    for (; done < part.length; done += (await write(file, part, done)).bytesWritten);
    done -= part.length;
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

/** Waits until the names in a folder are on the disk. Some file systems (CIFS, some in user space) do not support this. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await sync(folder);
  } catch (error) {
    if (!hasErrno(error, "EINVAL", "ENOTSUP")) throw error;
  } finally {
    closeSync(folder);
  }
}

function ioError(message: string, cause: unknown): RebootlessError {
  if (hasErrno(cause, "EACCES", "EPERM")) {
    return new RebootlessError("not_permitted", message, {
      cause,
      hint: "Run as root, or as the owner of its folder.",
    });
  }
  const full = hasErrno(cause, "ENOSPC", "EDQUOT");
  return new RebootlessError("io", message, full ? { cause, hint: "The disk is full." } : { cause });
}
