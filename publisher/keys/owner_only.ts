import { randomBytes } from "node:crypto";
import { constants, fstat, read, type Stats } from "node:fs";
import { type FileHandle, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import { RebootlessError } from "../../shared/errors.ts";

/**
 * Reads a file with a secret in it. Judged and read through one descriptor: what was judged is what is read. Throws
 * `config` for a file that others than its owner can read or write, and `limit`.
 */
export async function readSecretFile(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await openToRead(path);
  try {
    requireOwnerOnly(await file.stat(), path);
    return await readBounded(file, path, maxBytes);
  } finally {
    await file.close();
  }
}

const LINE_FEED = 0x0a;
/** Between two looks at a pipe that others have made non-blocking. */
const LOOK_AGAIN_MS = 20;

/**
 * Reads up to the end of a line, or to the end, from a descriptor that the process was given: of a pipe, a socket or, by the same
 * rule as above, a file. Throws `config`, `usage` for a terminal, which would show what is typed, and `limit`.
 *
 * @param name for messages.
 */
export async function readSecretDescriptor(
  descriptor: number,
  name: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const status = await promisify(fstat)(descriptor).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot read ${name}`, {
      cause,
      hint: "Descriptors are given by who starts this program: `3<FILE`, `3< <(COMMAND)`.",
    });
  });
  if (isatty(descriptor)) {
    throw new RebootlessError("usage", `${name} is a terminal, which would show what you type`, {
      hint: "Leave the option out: you are asked then, and nothing is shown.",
    });
  }
  if (!status.isFIFO() && !status.isSocket()) requireOwnerOnly(status, name);
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (let more = 1; more > 0 && length <= maxBytes && !buffer.subarray(0, length).includes(LINE_FEED); ) {
    more = await readSome(descriptor, name, buffer.subarray(length));
    length += more;
  }
  if (length > maxBytes) throw new RebootlessError("limit", `${name} has more than ${maxBytes} bytes`);
  return new Uint8Array(buffer.subarray(0, length));
}

async function readSome(descriptor: number, name: string, into: Buffer): Promise<number> {
  for (;;) {
    try {
      return (await promisify(read)(descriptor, into, 0, into.length, null)).bytesRead;
    } catch (cause) {
      const busy = cause instanceof Error && "code" in cause && cause.code === "EAGAIN";
      if (!busy) throw new RebootlessError("config", `cannot read ${name}`, { cause });
      await sleep(LOOK_AGAIN_MS);
    }
  }
}

/** Only its owner may read it, from the moment it exists; one that is there is never overwritten. */
export async function writeSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "wx", 0o600).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot make the key ${path}`, {
      cause,
      hint: "Keys are never overwritten: choose another place.",
    });
  });
  await fill(file, bytes);
}

/** Puts new bytes in the place of a file, whole or not at all. */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    await fill(await open(beside, "wx", mode), bytes);
    await rename(beside, path);
  } catch (cause) {
    await unlink(beside).catch(() => undefined);
    throw new RebootlessError("io", `cannot write ${path}`, { cause });
  }
}

async function fill(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Not blocking: a named pipe without a writer would be waited for. */
async function openToRead(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot read ${path}`, { cause });
  });
}

function requireOwnerOnly(status: Stats, path: string): void {
  if (!status.isFile()) throw new RebootlessError("config", `${path} is not a file`);
  if ((status.mode & 0o077) === 0) return;
  throw new RebootlessError("config", `${path} can be read by others than its owner`, {
    hint: `It may have been copied: think of replacing what is in it. Otherwise: chmod 600 ${path}`,
  });
}

async function readBounded(file: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = await file.stat();
  if (size > maxBytes) throw new RebootlessError("limit", `${path} has more than ${maxBytes} bytes`);
  return new Uint8Array(await file.readFile());
}
