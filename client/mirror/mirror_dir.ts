import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { artifactPath, feedPath } from "../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { hasErrno, writeDurably } from "../host/files.ts";
import { stateLock } from "../host/lock.ts";
import { Batch } from "./batch.ts";
import { decodeIndex, encodeIndex, INDEX_PATH, type Index, MAX_INDEX_BYTES } from "./index_file.ts";

/** Below it is what the mirror keeps for itself; hosts ask for nothing there. */
export const OWN = "mirror";
const LOCK_WAIT_MS = 5000;

/** A mirror's folder. Nothing in it is believed without being verified, but for the index, which only says what to ask. */
export class MirrorDir {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  at(path: string): string {
    return join(this.path, path);
  }

  own(name: string): string {
    return join(this.path, OWN, name);
  }

  /** Throws `usage` for a folder that is no mirror. */
  async requireMirror(): Promise<void> {
    if (await exists(this.own("root.json"))) return;
    throw new RebootlessError("usage", `${this.path} is not a mirror`, {
      hint: "`rebootless mirror sync FEED DIR --root root.json` makes one.",
    });
  }

  /** Waits a moment for another run. Throws `locked`. Returns what lets it go. */
  async lock(): Promise<() => void> {
    const lock = stateLock(join(this.path, OWN), LOCK_WAIT_MS);
    await lock.take();
    return lock.release;
  }

  /** For one run, which has the lock: what a run that was killed left half written is removed. */
  async batch(): Promise<Batch> {
    const fresh = this.own("new");
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true });
    return new Batch(this.path, fresh);
  }

  /** A file up to a limit, or undefined where there is none. */
  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return readBounded(this.at(path), maxBytes);
  }

  async readOwn(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return readBounded(this.own(name), maxBytes);
  }

  async writeOwn(name: string, bytes: Uint8Array | string): Promise<void> {
    await writeDurably(this.own(name), bytes);
  }

  /** What lies here as a kernel's feed, or undefined where that is nothing, or not a feed any more. */
  async bundle(id: BuildId): Promise<Bundle | undefined> {
    const bytes = await this.read(feedPath(id), MAX_BUNDLE_BYTES);
    if (!bytes) return undefined;
    try {
      return decodeBundle(bytes);
    } catch (error) {
      if (isCode(error, "parse")) return undefined;
      throw error;
    }
  }

  async artifact(sha256: Sha256Hex, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.read(artifactPath(sha256), maxBytes);
  }

  /** undefined where there is none, or one that is damaged: then everything is looked at. */
  async index(): Promise<Index | undefined> {
    const bytes = await this.read(INDEX_PATH, MAX_INDEX_BYTES);
    try {
      return bytes && decodeIndex(bytes);
    } catch (error) {
      if (isCode(error, "parse")) return undefined;
      throw error;
    }
  }

  async writeIndex(index: Index): Promise<void> {
    const bytes = encodeIndex(index);
    const present = await this.read(INDEX_PATH, MAX_INDEX_BYTES);
    if (!(present && equalBytes(present, bytes))) await writeDurably(this.at(INDEX_PATH), bytes);
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Names in a folder, sorted; none where there is no folder. */
export async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw new RebootlessError("io", `cannot read ${path}`, { cause: error });
  }
}

async function readBounded(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path);
    try {
      const found = await file.stat();
      return found.isFile() && found.size <= maxBytes ? await file.readFile() : undefined;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (hasErrno(cause, "ENOENT", "ENOTDIR")) return undefined;
    throw new RebootlessError("io", `cannot read ${path}`, { cause });
  }
}
