import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { RebootlessError } from "../shared/errors.ts";
import { hasErrno } from "./errno.ts";
import { isOwn } from "./own_folders.ts";

/** A file that is open: whoever takes its path away, or puts another there, does not change what this is. */
export interface OpenFile {
  readonly path: string;
  readonly descriptor: number;
  close(): void;
}

/** An open file and what was read from it. */
export interface OpenBytes extends OpenFile {
  readonly bytes: Uint8Array;
}

/**
 * Opens and reads a plain file that nobody else can write, without following a link in its place. undefined where
 * there is none, and for one that another could have written or that is larger than `maxBytes`.
 */
export function openOwnFile(path: string, maxBytes: number): OpenBytes | undefined {
  const descriptor = open(path);
  if (descriptor === undefined) return undefined;
  const close = () => closeSync(descriptor);
  try {
    const found = fstatSync(descriptor);
    if (found.isFile() && found.size <= maxBytes && isOwn(found)) {
      return { path, descriptor, bytes: readFileSync(descriptor), close };
    }
  } catch (cause) {
    close();
    throw new RebootlessError("io", `cannot read ${path}`, { cause });
  }
  close();
  return undefined;
}

function open(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (hasErrno(cause, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return undefined;
    throw new RebootlessError("io", `cannot read ${path}`, { cause });
  }
}
