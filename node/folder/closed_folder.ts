import { RebootlessError } from "../../shared/errors.ts";
import { type FileCalls, type Found, hasCode, lookBelow } from "./place.ts";

/** What it takes of `node:fs`: that module itself will do. */
export interface FolderCalls extends FileCalls {
  read(
    descriptor: number,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, bytes: number) => void,
  ): void;
  readonly promises: {
    readdir(path: string): Promise<string[]>;
    mkdir(path: string, options?: { readonly recursive: true }): Promise<unknown>;
    unlink(path: string): Promise<void>;
    rmdir(path: string): Promise<void>;
  };
}

/** What reading gives: `large` for more than was allowed, `foreign` for what is no plain file. */
export type Reading =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "nothing" | "foreign" | "large" };

/**
 * A folder that others may write to. Whatever is done in it stays in it: only plain files are opened, no link is followed, and
 * nothing waits for a pipe. A file with several names (a hard link) is a file like any other: whoever makes one must have been
 * allowed to (fs.protected_hardlinks), and mirrors make them themselves.
 */
export class ClosedFolder {
  readonly path: string;
  readonly #calls: FolderCalls;

  /** @param path may lead through links: whoever names the folder says which one it is. */
  constructor(calls: FolderCalls, path: string) {
    this.#calls = calls;
    this.path = path;
  }

  look<T>(path: string, act: (found: Found) => Promise<T> | T): Promise<T> {
    return lookBelow(this.#calls, this.path, path, act);
  }

  /** A file of at most so many bytes; what is added to it meanwhile is not read. */
  read(path: string, maxBytes: number): Promise<Reading> {
    return this.look<Reading>(path, async (found) => {
      if (found.kind === "nothing") return { kind: "nothing" };
      if (found.kind !== "file") return { kind: "foreign" };
      if (found.size > maxBytes) return { kind: "large" };
      return { kind: "bytes", bytes: await this.#readAll(found) };
    });
  }

  /** Its bytes, or undefined where there is no plain file that has at most so many. */
  async readIfThere(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const reading = await this.read(path, maxBytes);
    return reading.kind === "bytes" ? reading.bytes : undefined;
  }

  /** Bytes of a plain file; undefined where there is none. */
  size(path: string): Promise<number | undefined> {
    return this.look(path, (found) => (found.kind === "file" ? found.size : undefined));
  }

  /** What is in a folder, sorted; nothing where there is none. Throws `trust` for a link in its place. */
  names(path: string): Promise<readonly string[]> {
    return this.look<readonly string[]>(path, async (found) => {
      if (found.kind === "foreign") throw this.#foreign(path);
      return found.kind === "folder" ? (await this.#calls.promises.readdir(found.at)).sort() : [];
    });
  }

  /**
   * Works in a folder, which is made where there is none. Names right below `at` are in that very folder, also when another
   * takes its name meanwhile. Throws `trust` for a link, or anything but a folder, in its place.
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
    const { unlink, readdir, rmdir } = this.#calls.promises;
    try {
      await unlink(`${at}/${name}`);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return;
      if (!hasCode(error, "EISDIR", "EPERM")) throw error;
      await lookBelow(this.#calls, at, name, async (found) => {
        if (found.kind !== "folder") throw error;
        for (const inner of await readdir(found.at)) await this.#removeFrom(found.at, inner);
      });
      await rmdir(`${at}/${name}`);
    }
  }

  async #make(path: string): Promise<void> {
    const { mkdir } = this.#calls.promises;
    if (path === "") return void (await mkdir(this.path, { recursive: true }));
    const name = path.slice(path.lastIndexOf("/") + 1);
    await this.within(folderOf(path), async (at) => {
      await mkdir(`${at}/${name}`).catch((error: unknown) => {
        if (!hasCode(error, "EEXIST")) throw error;
      });
    });
  }

  async #readAll({ at, size }: { readonly at: string; readonly size: number }): Promise<Uint8Array> {
    const file = await this.#open(at);
    try {
      const bytes = new Uint8Array(size);
      let had = 0;
      while (had < size) {
        const more = await this.#readAt(file, bytes, had);
        if (more === 0) break;
        had += more;
      }
      return bytes.subarray(0, had);
    } finally {
      this.#calls.closeSync(file);
    }
  }

  #open(at: string): Promise<number> {
    const { O_RDONLY, O_NONBLOCK } = this.#calls.constants;
    return new Promise((resolve, reject) => {
      this.#calls.open(at, O_RDONLY | O_NONBLOCK, (error, file) => (error ? reject(error) : resolve(file)));
    });
  }

  #readAt(file: number, bytes: Uint8Array, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#calls.read(file, bytes, at, bytes.length - at, at, (error, read) =>
        error ? reject(error) : resolve(read),
      );
    });
  }

  #foreign(path: string): RebootlessError {
    return new RebootlessError("trust", `${this.path}/${path} is a link, or no folder`, {
      hint: "Nothing is read or written through a link. Remove it, and run this again.",
    });
  }
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
