import { closeSync, fstat, fstatSync, read, type Stats } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import { hasErrno } from "../../node/errno.ts";
import { createDurably, openToRead, readOpen } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";

/**
 * Reads a file that holds a secret. It is checked and read through one descriptor, so that the file read is
 * the file that was checked.
 *
 * @throws RebootlessError `config` for a file that others than its owner can read or write; `limit`.
 */
export async function readSecretFile(path: string, maxBytes: number): Promise<Uint8Array> {
  const descriptor = open(path);
  try {
    requireOwnerOnly(fstatSync(descriptor), path);
    const reading = readOpen(descriptor, maxBytes);
    if (reading.kind === "bytes") return reading.bytes;
    throw new RebootlessError("limit", `${path} has more than ${maxBytes} bytes`);
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number {
  try {
    return openToRead(path);
  } catch (cause) {
    throw new RebootlessError("config", `cannot read ${path}`, { cause });
  }
}

const LINE_FEED = 0x0a;
/** The pause in milliseconds before a pipe is read again that others have made non-blocking. */
const LOOK_AGAIN_MS = 20;

/**
 * Reads up to the end of the first line, or of the input, from a descriptor that the process was given: a
 * pipe, a socket, or a file that only its owner can read or write.
 *
 * @param name the name of the descriptor, for messages.
 * @throws RebootlessError `config`; `usage` for a terminal, which would show what is typed; `limit`.
 */
export async function readSecretDescriptor(
  descriptor: number,
  name: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const status = await promisify(fstat)(descriptor).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot read ${name}`, {
      cause,
      hint: "The caller of this program must open the descriptor: `3<FILE`, `3< <(COMMAND)`.",
    });
  });
  if (isatty(descriptor)) {
    throw new RebootlessError("usage", `${name} is a terminal, which would show what you type`, {
      hint: "Leave the option out: then you are asked, and nothing that you type is shown.",
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
      if (!hasErrno(cause, "EAGAIN")) throw new RebootlessError("config", `cannot read ${name}`, { cause });
      await sleep(LOOK_AGAIN_MS);
    }
  }
}

/**
 * Creates a file that only its owner can read from the moment it exists. A file that exists already is never
 * overwritten.
 *
 * @throws RebootlessError `config`.
 */
export async function writeSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await createDurably(path, bytes, 0o600).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot make the key ${path}`, {
      cause,
      hint: "Keys are never overwritten: choose another place.",
    });
  });
}

function requireOwnerOnly(status: Stats, path: string): void {
  if (!status.isFile()) throw new RebootlessError("config", `${path} is not a file`);
  if ((status.mode & 0o077) === 0) return;
  throw new RebootlessError("config", `${path} can be read by others than its owner`, {
    hint: `It may have been copied, so consider replacing what is in it. Otherwise run: chmod 600 ${path}`,
  });
}
