import { closeSync, constants, open as openWithCallback, read as readWithCallback } from "node:fs";
import { mkdir, readdir, rmdir, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { RebootlessError } from "../../shared/errors.ts";
import { hasErrno } from "../errno.ts";
import type { Reading } from "../files.ts";
import { type Found, lookBelow } from "./place.ts";

const open = promisify(openWithCallback);
const read = promisify(readWithCallback);

/**
 * A folder that others may write to. All work in it stays in it: only plain files are opened, no link is followed,
 * and nothing waits for a pipe. A file with several names (a hard link) is a file like any other, because its maker
 * must have been allowed to link it (fs.protected_hardlinks), and mirrors make such files themselves.
 */
export class ClosedFolder {
  readonly path: string;

  /** @param path the path of the folder. It may lead through links, because the caller chooses the folder. */
  constructor(path: string) {
    this.path = path;
  }

  look<T>(path: string, act: (found: Found) => Promise<T> | T): Promise<T> {
    return lookBelow(this.path, path, act);
  }

  /** Reads a file of at most `maxBytes`. Bytes that are added to it meanwhile are not read. */
  read(path: string, maxBytes: number): Promise<Reading> {
    return this.look<Reading>(path, async (found) => {
      if (found.kind === "nothing") return { kind: "nothing" };
      if (found.kind !== "file") return { kind: "foreign" };
      if (found.size > maxBytes) return { kind: "large" };
      return { kind: "bytes", bytes: await readAll(found) };
    });
  }

  /** Returns a file's bytes, or undefined unless it is a plain file of at most `maxBytes`. */
  async readIfThere(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const reading = await this.read(path, maxBytes);
    return reading.kind === "bytes" ? reading.bytes : undefined;
  }

  /** Returns the length of a plain file in bytes; undefined if there is no such file. */
  size(path: string): Promise<number | undefined> {
    return this.look(path, (found) => (found.kind === "file" ? found.size : undefined));
  }

  /**
   * Returns the sorted names in a folder. The list is empty if the folder does not exist.
   *
   * @throws RebootlessError `trust` if there is a link in its place.
   */
  names(path: string): Promise<readonly string[]> {
    return this.look<readonly string[]>(path, async (found) => {
      if (found.kind === "foreign") throw this.#foreign(path);
      return found.kind === "folder" ? (await readdir(found.at)).sort() : [];
    });
  }

  /**
   * Works in a folder, which is made if it is missing. Names right below `at` are in that very folder, even if
   * another folder takes its name meanwhile.
   *
   * @throws RebootlessError `trust` if there is a link in its place, or anything else that is not a folder.
   */
  async within<T>(path: string, act: (at: string) => Promise<T>): Promise<T> {
    const done = await this.look(path, async (found) => {
      if (found.kind === "folder") return { result: await act(found.at) };
      if (found.kind === "nothing") return undefined;
      throw this.#foreign(path);
    });
    if (done) return done.result;
    await this.#make(path);
    return this.look(path, (found) => {
      if (found.kind === "folder") return act(found.at);
      throw this.#foreign(path);
    });
  }

  /** Removes a file, a link (and not what it leads to) or a folder with all that is in it. */
  async remove(path: string): Promise<void> {
    await this.look(folderOf(path), async (found) => {
      if (found.kind === "folder") await this.#removeFrom(found.at, path.slice(path.lastIndexOf("/") + 1));
    });
  }

  async #removeFrom(at: string, name: string): Promise<void> {
    try {
      await unlink(`${at}/${name}`);
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return;
      if (!hasErrno(error, "EISDIR", "EPERM")) throw error;
      await lookBelow(at, name, async (found) => {
        if (found.kind !== "folder") throw error;
        for (const inner of await readdir(found.at)) await this.#removeFrom(found.at, inner);
      });
      await rmdir(`${at}/${name}`);
    }
  }

  async #make(path: string): Promise<void> {
    if (path === "") return void (await mkdir(this.path, { recursive: true }));
    const name = path.slice(path.lastIndexOf("/") + 1);
    await this.within(folderOf(path), async (at) => {
      await mkdir(`${at}/${name}`).catch((error: unknown) => {
        if (!hasErrno(error, "EEXIST")) throw error;
      });
    });
  }

  #foreign(path: string): RebootlessError {
    return new RebootlessError("trust", `${this.path}/${path} is a link, or no folder`, {
      hint: "Nothing is read or written through a link. Remove it, and run this again.",
    });
  }
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** Reads a file through threads, so that a server that answers from a folder does not wait for its disk. */
async function readAll({ at, size }: { readonly at: string; readonly size: number }): Promise<Uint8Array> {
  const file = await open(at, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await read(file, bytes, length, size - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
