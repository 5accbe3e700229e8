import { randomBytes } from "node:crypto";
import { type FileHandle, link, mkdir, open, readdir, rename, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../../shared/json.ts";
import { Serial } from "../publish/serial.ts";
import type { ByteRange, Notes, Store, Stored } from "../store/store.ts";

/*
 * A file for each key, at the key's path: eight digits that say how long the header is, the header as JSON
 * ({"revision","sha256","length","notes"}), then the bytes. One file, so that bytes and notes change at once.
 */

const PAGE = 500;
const LENGTH_DIGITS = 8;
/** One read is enough for most. */
const USUAL_HEADER = 512;
/** Notes are a handful of short texts. */
const MAX_HEADER = 64 * 1024;
const MAX_NOTES = 64;
/** Keys are of our own making; this is so that a mistake in making them stays inside the folder. */
const KEY = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/;
/** Where files are written before they get their key's name; no key is called so. */
const NEW = "=new";

/** Writers of one key wait for each other; that some keys share a line does no harm. */
const LINES = 64;

interface Opened {
  readonly file: FileHandle;
  readonly stored: Stored;
  /** Where the bytes begin. */
  readonly start: number;
}

/** A folder as a store, for one process at a time. What it says is written is on the disk. */
export function fileStore(root: string): Store {
  const pathOf = (key: string): string => {
    if (!KEY.test(key)) throw new RebootlessError("io", `not a key: ${JSON.stringify(key.slice(0, 80))}`);
    return join(root, key);
  };
  const folders = new FolderSync();
  const lines = Array.from({ length: LINES }, () => new Serial());
  /** Between a look at a revision and the swap nobody comes in. */
  const inLine = <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const line = lines[[...key].reduce((sum, char) => sum + char.charCodeAt(0), 0) % LINES] as Serial;
    return line.run(work);
  };
  const head = async (key: string): Promise<Stored | undefined> => {
    const opened = await openFile(pathOf(key));
    await opened?.file.close();
    return opened?.stored;
  };

  return {
    head,
    get: async (key, range) => {
      const opened = await openFile(pathOf(key));
      return opened && { ...opened.stored, ...contentOf(opened, range) };
    },
    create: (key, bytes, notes = {}) =>
      inLine(key, async () => {
        const path = pathOf(key);
        const fresh = await writeNew(root, bytes, notes);
        try {
          await inFolder(path, () => link(fresh, path)); // fails where there is something
          await folders.sync(dirname(path));
          return "created";
        } catch (error) {
          if (hasCode(error, "EEXIST")) return "exists";
          throw error;
        } finally {
          await unlink(fresh);
        }
      }),
    replace: (key, revision, bytes, notes = {}) =>
      inLine(key, async () => {
        if ((await head(key))?.revision !== revision) return "stale";
        const path = pathOf(key);
        await rename(await writeNew(root, bytes, notes), path);
        await folders.sync(dirname(path));
        return "replaced";
      }),
    list: async (prefix, after = "") => {
      const keys = (await keysBelow(root, prefix)).filter((key) => key > after);
      const page = keys.slice(0, PAGE);
      const files: (Stored & { readonly key: string })[] = [];
      for (const key of page) {
        const stored = await head(key);
        if (stored) files.push({ key, ...stored });
      }
      return { files, next: keys.length > PAGE ? page.at(-1) : undefined };
    },
    delete: (key) => inLine(key, () => rm(pathOf(key), { force: true })),
  };
}

/** The file stays open: what is read is what the header describes, also when the key is replaced meanwhile. */
async function openFile(path: string): Promise<Opened | undefined> {
  const file = await open(path, "r").catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  if (!file) return undefined;
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) {
      await file.close();
      return undefined;
    }
    const begin = await readAt(file, 0, USUAL_HEADER);
    const digits = begin.subarray(0, LENGTH_DIGITS).toString("latin1");
    const length = /^\d{8}$/.test(digits) ? Number(digits) : Number.POSITIVE_INFINITY;
    if (length > MAX_HEADER) throw new RebootlessError("io", `${path} was not written by this program`);
    const start = LENGTH_DIGITS + length;
    const header = start <= begin.length ? begin.subarray(0, start) : await readAt(file, 0, start);
    const stored = headerOf(header.subarray(LENGTH_DIGITS), path);
    if (stat.size !== start + stored.length) throw new RebootlessError("io", `${path} is cut short`);
    return { file, stored, start };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

function headerOf(bytes: Uint8Array, path: string): Stored {
  const header = new Decoder(parseJson(bytes, path), path);
  return {
    revision: header.get("revision").string(),
    sha256: header.get("sha256").as(sha256Hex),
    length: header.get("length").integer(0),
    notes: Object.fromEntries(
      header
        .get("notes")
        .entries(MAX_NOTES)
        .map(([name, value]) => [name, value.string()]),
    ),
  };
}

function contentOf({ file, stored, start }: Opened, range: ByteRange | undefined) {
  const from = start + (range?.start ?? 0);
  const end = start + (range?.end ?? stored.length);
  const bytes = async () => {
    try {
      return new Uint8Array(await readAt(file, from, end - from));
    } finally {
      await file.close();
    }
  };
  if (from < end) {
    const chunks = () => file.createReadStream({ start: from, end: end - 1 });
    return { stream: () => Readable.toWeb(chunks()) as ReadableStream<Uint8Array>, bytes };
  }
  // A stream's `end` is its last byte, so an empty one cannot be said.
  const empty = async () => {
    await file.close();
    return new Uint8Array();
  };
  return {
    stream: () => new ReadableStream({ start: (out) => empty().then(() => out.close()) }),
    bytes: empty,
  };
}

/** Removes what a process that was killed left half written. */
export const sweepUnfinished = (root: string): Promise<void> =>
  rm(join(root, NEW), { recursive: true, force: true });

/** Writes a file that has no key yet, whole and on the disk. */
async function writeNew(root: string, bytes: Uint8Array, notes: Notes): Promise<string> {
  const fresh = join(root, NEW, randomBytes(8).toString("hex"));
  const header = encodeJson(
    jsonObject({
      revision: randomBytes(16).toString("hex"),
      sha256: await sha256Of(bytes),
      length: bytes.length,
      notes: jsonObject(notes),
    }),
  );
  try {
    const file = await inFolder(fresh, () => open(fresh, "wx", 0o644));
    try {
      await file.writev([Buffer.from(String(header.length).padStart(LENGTH_DIGITS, "0")), header, bytes]);
      await file.sync();
    } finally {
      await file.close();
    }
    return fresh;
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** Makes the folder of a path where it turns out that there is none: mostly there is. */
async function inFolder<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    await mkdir(dirname(path), { recursive: true });
    return act();
  }
}

/** Whoever comes while a folder is written to the disk waits for the next time, together with all others who do. */
class FolderSync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  sync(path: string): Promise<void> {
    const waiting = this.#next.get(path);
    if (waiting) return waiting;
    const running = this.#running.get(path);
    if (!running) return this.#run(path);
    const next = running
      .catch(() => undefined)
      .then(() => {
        this.#next.delete(path);
        return this.#run(path);
      });
    this.#next.set(path, next);
    return next;
  }

  #run(path: string): Promise<void> {
    const done = syncFolder(path).finally(() => this.#running.delete(path));
    this.#running.set(path, done);
    return done;
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

/** Folders among them, which have no header and so are no files. */
async function keysBelow(root: string, prefix: string): Promise<readonly string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  try {
    const names = await readdir(join(root, folder), { recursive: true });
    const keys = names.map((name) => folder + name);
    return keys.filter((key) => key.startsWith(prefix) && !key.startsWith(NEW)).sort();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));
