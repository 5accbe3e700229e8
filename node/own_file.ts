import { closeSync, constants, fstatSync } from "node:fs";
import { RebootlessError } from "../shared/errors.ts";
import { hasErrno } from "./errno.ts";
import { openToRead, readOpen } from "./files.ts";
import { isOwn } from "./own_folders.ts";

/** A file that is open. It stays the same file if its path is removed or replaced. */
export interface OpenFile {
  readonly path: string;
  readonly descriptor: number;
  close(): void;
}

/** An open file and the bytes that were read from it. */
export interface OpenBytes extends OpenFile {
  readonly bytes: Uint8Array;
}

/**
 * Opens and reads a plain file that no one else can write, without following a link in its place. Returns undefined
 * if there is no such file, if somebody else could have written it, or if it is larger than `maxBytes`.
 *
 * @throws RebootlessError `io`.
 */
export function openOwnFile(path: string, maxBytes: number): OpenBytes | undefined {
  const descriptor = open(path);
  if (descriptor === undefined) return undefined;
  const close = () => closeSync(descriptor);
  try {
    const reading = isOwn(fstatSync(descriptor)) ? readOpen(descriptor, maxBytes) : undefined;
    if (reading?.kind === "bytes") return { path, descriptor, bytes: reading.bytes, close };
  } catch (cause) {
    close();
    throw new RebootlessError("io", `cannot read ${path}`, { cause });
  }
  close();
  return undefined;
}

function open(path: string): number | undefined {
  try {
    return openToRead(path, constants.O_NOFOLLOW);
  } catch (cause) {
    if (hasErrno(cause, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return undefined;
    throw new RebootlessError("io", `cannot read ${path}`, { cause });
  }
}
