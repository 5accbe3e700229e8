import { join, resolve } from "node:path";
import { writeDurably } from "../node/files.ts";
import { ClosedFolder } from "../node/folder/closed_folder.ts";
import { folderLock } from "../node/lock.ts";
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

/** The folder of the mirror's own files. Hosts ask for nothing in it. */
export const OWN = "mirror";
/** Every folder of a mirror. */
export const FOLDERS: readonly string[] = [OWN, "kernels", "artifacts", "root"];
const LOCK_WAIT_MS = 5000;
/** The file by which a mirror's folder is recognized. */
const FIRST_ROOT = `${OWN}/root.json`;

/**
 * The folder of a mirror. Nothing in it is trusted without being verified, except the index, which only says
 * what to ask for. Others may write to the folder (a web server, or the owner of a stick), so no link in it
 * is followed, neither to read nor to write.
 */
export class MirrorDir {
  readonly path: string;
  readonly files: ClosedFolder;

  constructor(path: string) {
    this.path = resolve(path);
    this.files = new ClosedFolder(this.path);
  }

  /**
   * Requires that the folder is a mirror.
   * @throws RebootlessError `usage` for a folder that is not a mirror, `config` for one whose folders are
   * links.
   */
  async requireMirror(): Promise<void> {
    await this.requireFolders();
    if ((await this.files.size(FIRST_ROOT)) !== undefined) return;
    throw new RebootlessError("usage", `${this.path} is not a mirror`, {
      hint: "`rebootless mirror sync FEED DIR --root root.json` makes one.",
    });
  }

  /** Requires that no folder of the mirror is a link. @throws RebootlessError `config` if one is. */
  async requireFolders(): Promise<void> {
    const [foreign] = (await Promise.all(FOLDERS.map((path) => this.foreignFolder([path])))).filter(Boolean);
    if (foreign === undefined) return;
    throw new RebootlessError("config", `${join(this.path, foreign)} is a link, or not a folder`, {
      hint: "Links in a mirror are not followed. To keep it on another disk, move the whole folder, which may be a link itself.",
    });
  }

  /**
   * Returns the first of these paths, each below the one before, at which something other than a folder lies.
   */
  async foreignFolder(paths: readonly string[]): Promise<string | undefined> {
    for (const path of paths) {
      const kind = await this.files.look(path, (found) => found.kind);
      if (kind === "nothing") return undefined;
      if (kind !== "folder") return path;
    }
    return undefined;
  }

  /**
   * Takes the lock of the mirror, and waits a moment for another run. Returns a function that releases it.
   *
   * @throws RebootlessError `locked`, `config`.
   */
  async lock(): Promise<() => void> {
    await this.requireFolders();
    const lock = folderLock(join(this.path, OWN), { waitMs: LOCK_WAIT_MS });
    await lock.take();
    return lock.release;
  }

  /**
   * Returns an empty batch for a run that has the lock. Files that a killed run left half written are
   * removed.
   */
  async batch(): Promise<Batch> {
    const batch = new Batch(this.files, `${OWN}/new`);
    await batch.clear();
    return batch;
  }

  /** Reads a plain file up to a limit. Returns undefined if it does not exist. */
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

  /** Replaces a file of the mirror's own whole or not at all, and durably. */
  async writeOwn(name: string, bytes: Uint8Array | string): Promise<void> {
    await this.files.within(OWN, (at) =>
      writeDurably(`${at}/${name}`, bytes).catch((error: unknown) => {
        if (!(error instanceof RebootlessError)) throw error;
        const { code, cause, hint } = error;
        const message = `cannot write ${join(this.path, OWN, name)}`;
        throw new RebootlessError(code, message, { cause, ...(hint !== undefined && { hint }) });
      }),
    );
  }

  /** Reads a kernel's feed.json. Returns undefined if it is missing, or if it does not parse. */
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

  /** Reads the index. Returns undefined if it is missing or damaged: then every kernel is looked at. */
  async index(): Promise<Index | undefined> {
    const bytes = await this.read(INDEX_PATH, MAX_INDEX_BYTES);
    try {
      return bytes && decodeIndex(bytes);
    } catch (error) {
      if (isCode(error, "parse")) return undefined;
      throw error;
    }
  }

  /**
   * Reads an index that must be there.
   * @throws RebootlessError `trust` if it is missing, so that the mirror's kernels are not known.
   */
  async requireIndex(): Promise<Index> {
    const index = await this.index();
    if (index) return index;
    throw new RebootlessError("trust", `${INDEX_PATH} of this mirror is damaged or missing`, {
      hint: "Run `rebootless mirror verify`, then `rebootless mirror sync`.",
    });
  }

  /**
   * Writes the index if it changed. It is put in place as the files of a batch are: a run that is killed must
   * not leave a half-written file beside the kernels. Nothing may be staged in another batch meanwhile.
   */
  async writeIndex(index: Index): Promise<void> {
    const bytes = encodeIndex(index);
    const present = await this.read(INDEX_PATH, MAX_INDEX_BYTES);
    if (present && equalBytes(present, bytes)) return;
    const batch = await this.batch();
    await batch.write(INDEX_PATH, bytes);
    await batch.commit();
  }
}
