import { basename, dirname, join, resolve } from "node:path";
import { writeDurably } from "../node/files.ts";
import { ClosedFolder } from "../node/folder/closed_folder.ts";
import { stateLock } from "../node/lock.ts";
import type { BuildId, Sha256Hex } from "../shared/brand.ts";
import { equalBytes } from "../shared/bytes.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import { type Bundle, decodeBundle } from "../shared/feed/bundle.ts";
import {
  decodeIndex,
  encodeIndex,
  INDEX_PATH,
  type Index,
  MAX_INDEX_BYTES,
} from "../shared/feed/kernel_index.ts";
import { artifactPath, feedPath } from "../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../shared/limits.ts";
import { Batch } from "./batch.ts";

/** Below it is what the mirror keeps for itself; hosts ask for nothing there. */
export const OWN = "mirror";
/** Every folder of a mirror. */
export const FOLDERS: readonly string[] = [OWN, "kernels", "artifacts", "root"];
const LOCK_WAIT_MS = 5000;
/** A root of trust is looked for, and not read. */
const FIRST_ROOT = `${OWN}/root.json`;

/**
 * A mirror's folder. Nothing in it is believed without being verified, but for the index, which only says what to ask. Others
 * may write to it, a web server or whoever gave the stick: no link in it is followed, to read or to write.
 */
export class MirrorDir {
  readonly path: string;
  readonly files: ClosedFolder;

  constructor(path: string) {
    this.path = resolve(path);
    this.files = new ClosedFolder(this.path);
  }

  /** Throws `usage` for a folder that is no mirror, `config` for one whose folders are links. */
  async requireMirror(): Promise<void> {
    await this.requireFolders();
    if ((await this.files.size(FIRST_ROOT)) !== undefined) return;
    throw new RebootlessError("usage", `${this.path} is not a mirror`, {
      hint: "`rebootless mirror sync FEED DIR --root root.json` makes one.",
    });
  }

  /** Throws `config` where a folder of the mirror is a link. */
  async requireFolders(): Promise<void> {
    const [foreign] = (await Promise.all(FOLDERS.map((path) => this.foreignFolder([path])))).filter(Boolean);
    if (foreign === undefined) return;
    throw new RebootlessError("config", `${join(this.path, foreign)} is a link, or no folder`, {
      hint: "No link in a mirror is followed. To keep it on another disk move the whole folder, which may be a link itself.",
    });
  }

  /** The first of these paths, each below the one before, where something is that is no folder. */
  async foreignFolder(paths: readonly string[]): Promise<string | undefined> {
    for (const path of paths) {
      const kind = await this.files.look(path, (found) => found.kind);
      if (kind === "nothing") return undefined;
      if (kind !== "folder") return path;
    }
    return undefined;
  }

  /** Waits a moment for another run. Throws `locked`. Returns what lets it go. */
  async lock(): Promise<() => void> {
    await this.requireFolders();
    const lock = stateLock(join(this.path, OWN), LOCK_WAIT_MS);
    await lock.take();
    return lock.release;
  }

  /** For one run, which has the lock: what a run that was killed left half written is removed. */
  async batch(): Promise<Batch> {
    const batch = new Batch(this.files, `${OWN}/new`);
    await batch.clear();
    return batch;
  }

  /** A plain file up to a limit, or undefined where there is none. */
  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    try {
      return await this.files.readIfThere(path, maxBytes);
    } catch (cause) {
      if (cause instanceof RebootlessError) throw cause;
      throw new RebootlessError("io", `cannot read ${join(this.path, path)}`, { cause });
    }
  }

  async readOwn(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.read(`${OWN}/${name}`, maxBytes);
  }

  async writeOwn(name: string, bytes: Uint8Array | string): Promise<void> {
    await this.#write(`${OWN}/${name}`, bytes);
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

  /** Throws `trust` where there is none: it is not known what the mirror has. */
  async requireIndex(): Promise<Index> {
    const index = await this.index();
    if (index) return index;
    throw new RebootlessError("trust", `${INDEX_PATH} of this mirror is damaged or missing`, {
      hint: "Run `rebootless mirror verify`, then `rebootless mirror sync`.",
    });
  }

  async writeIndex(index: Index): Promise<void> {
    const bytes = encodeIndex(index);
    const present = await this.read(INDEX_PATH, MAX_INDEX_BYTES);
    if (!(present && equalBytes(present, bytes))) await this.#write(INDEX_PATH, bytes);
  }

  /** Replaces a file whole or not at all, and durably. */
  async #write(path: string, bytes: Uint8Array | string): Promise<void> {
    await this.files.within(dirname(path), (at) =>
      writeDurably(`${at}/${basename(path)}`, bytes).catch((error: unknown) => {
        if (!(error instanceof RebootlessError)) throw error;
        const { code, cause, hint } = error;
        const message = `cannot write ${join(this.path, path)}`;
        throw new RebootlessError(code, message, { cause, ...(hint !== undefined && { hint }) });
      }),
    );
  }
}
