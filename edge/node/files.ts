import { randomUUID } from "node:crypto";
import { type FileHandle, open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { sha256Of } from "../../node/crypto.ts";
import { hasErrno } from "../../node/errno.ts";
import { syncFolder, writeNewFile } from "../../node/files.ts";
import { ClosedFolder } from "../../node/folder/closed_folder.ts";
import { sha256Hex } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { KeyedMutex } from "../keyed_mutex.ts";
import type { ByteRange, Notes, Store, Stored } from "../store/store.ts";
import { link, readBeginning, rename, unlink } from "./descriptors.ts";
import { Recent } from "./recent.ts";

/*
 * Each key has a file at the key's path: eight digits with the length of the header, the header as JSON
 * ({"revision","sha256","length","notes"}), then the bytes. It is one file, so that bytes and notes change at once.
 */

const PAGE = 500;
const LENGTH_DIGITS = 8;
/**
 * The number of bytes that are read at first. It covers most feeds with their headers, and every smaller
 * file.
 */
const USUAL = 16 * 1024;
/** The largest header: notes are a handful of short texts. */
const MAX_HEADER = 64 * 1024;
const MAX_NOTES = 64;
/**
 * The form of a key. This program makes all keys; the check keeps a mistake in one of them inside the folder.
 */
const KEY = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/;
/** The folder where files are written before they get their key's name. No key can have this name. */
const NEW = "=new";

interface Opened {
  /** The open file; undefined if the first read had the whole file. */
  readonly file: FileHandle | undefined;
  readonly stored: Stored;
  /** The offset of the bytes. */
  readonly start: number;
  /** The bytes, if the file is closed already. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * Returns a store in a folder, for one process at a time. Files that it reports as written are on the disk.
 * It follows no links.
 */
export function fileStore(root: string): Store {
  const folder = new ClosedFolder(root);
  const checked = (key: string): string => {
    if (!KEY.test(key)) throw new RebootlessError("io", `not a key: ${JSON.stringify(key.slice(0, 80))}`);
    return key;
  };
  const folders = new FolderSync();
  /** Lets one writer of a key at a time work: between the check of a revision and the swap, for one. */
  const writers = new KeyedMutex();
  const recent = new Recent();
  const read = (key: string, isLarge = false) =>
    recent.reading(key, () => openFile(folder, checked(key), isLarge));
  const head = async (key: string): Promise<Stored | undefined> => {
    const known = recent.get(key);
    if (known) return known.stored;
    const opened = await read(key);
    await opened?.file?.close();
    return opened?.stored;
  };
  return {
    head,
    get: async (key, range) => {
      const known = recent.get(key);
      const opened = known?.bytes
        ? { ...known, file: undefined, start: 0 }
        : await read(key, known !== undefined);
      return opened && { ...opened.stored, ...contentOf(opened, range) };
    },
    create: (key, bytes, notes = {}) =>
      writers.run(key, async () => {
        const path = checked(key);
        const stored = await storedOf(bytes, notes);
        const fresh = await writeNew(folder, bytes, stored);
        try {
          recent.forget(key);
          await inFolder(folder, path, (at) => link(fresh, at)); // fails if the name exists
          await folders.sync(dirname(join(root, path)));
          recent.written(key, { stored, bytes });
          return "created";
        } catch (error) {
          recent.forget(key);
          if (hasErrno(error, "EEXIST")) return "exists";
          throw error;
        } finally {
          await unlink(fresh);
        }
      }),
    replace: (key, revision, bytes, notes = {}, keepPreviousAs) =>
      writers.run(key, async () => {
        if ((await head(key))?.revision !== revision) return "stale";
        const path = checked(key);
        const stored = await storedOf(bytes, notes);
        const fresh = await writeNew(folder, bytes, stored);
        if (keepPreviousAs !== undefined) await keep(folder, path, checked(keepPreviousAs));
        try {
          recent.forget(key);
          await inFolder(folder, path, (at) => rename(fresh, at));
          await folders.sync(dirname(join(root, path)));
          recent.written(key, { stored, bytes });
          return "replaced";
        } catch (error) {
          recent.forget(key);
          throw error;
        }
      }),
    list: async (prefix, after = "") => {
      const keys = (await keysBelow(folder, prefix)).filter((key) => key > after);
      const page = keys.slice(0, PAGE);
      const files: (Stored & { readonly key: string })[] = [];
      for (const key of page) {
        const stored = await head(key);
        if (stored) files.push({ key, ...stored });
      }
      return { files, next: keys.length > PAGE ? page.at(-1) : undefined };
    },
    delete: (key) =>
      writers.run(key, async () => {
        await folder.look(dirname(checked(key)), async (found) => {
          if (found.kind === "folder") await rm(`${found.at}/${basename(key)}`, { force: true });
        });
        recent.forget(key);
      }),
  };
}

/**
 * Gives a file one more name. Its bytes are on the disk already, and the name is not synced: after a power cut it may be
 * missing, and a client may ask for this version in vain; it is never another version.
 */
async function keep(folder: ClosedFolder, path: string, as: string): Promise<void> {
  try {
    await inFolder(folder, as, (at) => link(join(folder.path, path), at));
  } catch (error) {
    if (!hasErrno(error, "EEXIST")) throw error;
  }
}

/** Opens a file. @param isLarge true if the file is known to be large. */
function openFile(folder: ClosedFolder, key: string, isLarge: boolean): Promise<Opened | undefined> {
  return folder.look(key, async (found) => {
    const path = join(folder.path, key);
    if (found.kind === "foreign") throw new RebootlessError("io", `${path} is a link, or no file`);
    if (found.kind !== "file") return undefined;
    const begin = isLarge ? undefined : await readBeginning(found.at, USUAL);
    return begin && begin.length < USUAL ? wholeOf(begin, path) : await openLarge(found.at, path);
  });
}

function wholeOf(file: Uint8Array, path: string): Opened {
  const start = startIn(file, path);
  const stored = headerOf(file.subarray(LENGTH_DIGITS, start), path);
  unlessCut(file.length, start, stored, path);
  return { file: undefined, stored, start, bytes: new Uint8Array(file.subarray(start)) };
}

/**
 * Opens a file and leaves it open, so that the bytes that are read fit their header even if the key is
 * replaced meanwhile.
 */
async function openLarge(at: string, path: string): Promise<Opened> {
  const file = await open(at, "r");
  try {
    const begin = await readAt(file, 0, USUAL);
    const start = startIn(begin, path);
    const header = start <= begin.length ? begin : await readAt(file, 0, start);
    const stored = headerOf(header.subarray(LENGTH_DIGITS, start), path);
    unlessCut((await file.stat()).size, start, stored, path);
    return { file, stored, start, bytes: undefined };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Returns the offset of the bytes, from the digits at the front. */
function startIn(file: Uint8Array, path: string): number {
  const digits = Buffer.from(file.subarray(0, LENGTH_DIGITS)).toString("latin1");
  const length = /^\d{8}$/.test(digits) ? Number(digits) : Number.POSITIVE_INFINITY;
  if (length > MAX_HEADER) throw new RebootlessError("io", `${path} was not written by this program`);
  return LENGTH_DIGITS + length;
}

function unlessCut(size: number, start: number, { length }: Stored, path: string): void {
  if (size !== start + length) throw new RebootlessError("io", `${path} is cut short`);
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

function headerOf(bytes: Uint8Array, path: string): Stored {
  const header = new Decoder(parseJson(bytes, path, MAX_SMALL_VALUES), path);
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

function contentOf({ file, stored, start, bytes: whole }: Opened, range: ByteRange | undefined) {
  if (!file) {
    const part = (whole ?? new Uint8Array()).slice(range?.start, range?.end);
    return { stream: () => streamOf(part), bytes: async () => part };
  }
  const from = start + (range?.start ?? 0);
  const end = start + (range?.end ?? stored.length);
  const bytes = async () => {
    try {
      return new Uint8Array(await readAt(file, from, end - from));
    } finally {
      await file.close();
    }
  };
  const chunks = () => file.createReadStream({ start: from, end: end - 1 });
  return { stream: () => Readable.toWeb(chunks()) as ReadableStream<Uint8Array>, bytes };
}

const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (out) => {
      if (bytes.length > 0) out.enqueue(bytes);
      out.close();
    },
  });

/** Deletes files that a killed process left half written. */
export const sweepUnfinished = (root: string): Promise<void> =>
  rm(join(root, NEW), { recursive: true, force: true });

const storedOf = async (bytes: Uint8Array, notes: Notes): Promise<Stored> => ({
  revision: randomUUID(),
  sha256: sha256Of(bytes),
  length: bytes.length,
  notes,
});

/** Writes a whole file that has no key yet, and syncs it. @returns its path. */
async function writeNew(folder: ClosedFolder, bytes: Uint8Array, stored: Stored): Promise<string> {
  const name = join(NEW, randomUUID());
  const fresh = join(folder.path, name);
  const header = encodeJson(jsonObject({ ...stored, notes: jsonObject(stored.notes) }));
  const digits = Buffer.from(String(header.length).padStart(LENGTH_DIGITS, "0"));
  try {
    await inFolder(folder, name, (at) => writeNewFile(at, [digits, header, bytes], 0o644));
    return fresh;
  } catch (cause) {
    if (cause instanceof RebootlessError) throw cause;
    throw new RebootlessError("io", `cannot write ${fresh}`, { cause, hint: "Is the disk full?" });
  }
}

/** Works at a path in its folder, which is created if it is missing. */
const inFolder = <T>(folder: ClosedFolder, path: string, act: (at: string) => Promise<T>): Promise<T> =>
  folder.within(dirname(path), (at) => act(`${at}/${basename(path)}`));

/** Syncs folders. Calls that come while a folder is being synced wait together for one further sync. */
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

async function keysBelow(folder: ClosedFolder, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  const walk = async (path: string): Promise<void> => {
    const entries = await folder.look(path, (found) =>
      found.kind === "folder" ? readdir(found.at, { withFileTypes: true }) : [],
    );
    for (const entry of entries) {
      const key = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) await walk(key);
      else if (entry.isFile()) keys.push(key);
    }
  };
  await walk(prefix.slice(0, Math.max(0, prefix.lastIndexOf("/"))));
  return keys.filter((key) => key.startsWith(prefix) && !key.startsWith(NEW)).sort();
}
