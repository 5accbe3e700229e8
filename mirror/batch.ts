import { link, rename, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { hasErrno } from "../node/errno.ts";
import type { ClosedFolder } from "../node/folder/closed_folder.ts";
import { mustRun, runProgram } from "../node/processes.ts";
import { RebootlessError } from "../shared/errors.ts";
import { groupBy } from "../shared/group_by.ts";
import { MAX_BUNDLE_BYTES } from "../shared/limits.ts";

/**
 * The place of a file in the order in which files are put in place. The files that a reader opens first come
 * last.
 */
type Rank = "named" | "timestamp" | "feed";
const RANKS: readonly Rank[] = ["named", "timestamp", "feed"];

/**
 * Returns the rank of a file. feed.json and timestamp.json name all other files, which are named by their
 * digests or by their versions.
 */
function rankOf(path: string): Rank {
  if (path.endsWith("/feed.json") || path === "kernels/index.json") return "feed";
  return path.endsWith("/timestamp.json") ? "timestamp" : "named";
}

/**
 * Files that will appear in a mirror together. Each is written under another name first. Once all of them are
 * on the disk they are renamed: first the files that are named by digest or version, then those that name
 * them. A reader finds the old state of a kernel or the new one, at any moment and after a power cut.
 */
export class Batch {
  readonly #files: ClosedFolder;
  readonly #fresh: string;
  /** The name that a file has until it is put in place, by its path. */
  readonly #staged = new Map<string, string>();
  #count = 0;

  /** Makes an empty batch. @param fresh a folder within `files` for files that are not in place yet. */
  constructor(files: ClosedFolder, fresh: string) {
    this.#files = files;
    this.#fresh = fresh;
  }

  get size(): number {
    return this.#staged.size;
  }

  has(path: string): boolean {
    return this.#staged.has(path);
  }

  /**
   * Writes a file that will be put in place later.
   * @throws RebootlessError `io`; the file that was there before is then untouched.
   */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    await this.#stage(path, (temporary) => writeFile(temporary, bytes, { flag: "wx" }));
  }

  /** Gives a file a second name, or copies it if the file system has no hard links. */
  async link(path: string, from: string): Promise<void> {
    const staged = this.#staged.get(from);
    const source = staged === undefined ? from : `${this.#fresh}/${staged}`;
    await this.#stage(path, async (temporary) => {
      const linked = await this.#files.within(dirname(source), (at) =>
        link(`${at}/${basename(source)}`, temporary).then(
          () => true,
          () => false,
        ),
      );
      if (linked) return;
      const bytes = await this.#files.readIfThere(source, MAX_BUNDLE_BYTES);
      if (!bytes) throw new RebootlessError("io", `${source} of the mirror cannot be read`);
      await writeFile(temporary, bytes, { flag: "wx" });
    });
  }

  async commit(): Promise<void> {
    if (this.#staged.size === 0) return;
    for (const rank of RANKS) {
      const entries = [...this.#staged].filter(([path]) => rankOf(path) === rank);
      if (entries.length === 0) continue;
      await syncFileSystem(this.#files.path);
      const byFolder = groupBy(entries, ([path]) => dirname(path));
      await this.#files.within(this.#fresh, async (fresh) => {
        for (const [folder, inIt] of byFolder) await this.#place(fresh, folder, inIt);
      });
    }
    // rename(2) leaves a second name of the same file where it was, so some may be left over.
    await this.clear();
    await syncFileSystem(this.#files.path);
  }

  /** Removes the files that were written and not put in place. */
  async clear(): Promise<void> {
    await this.#files.remove(this.#fresh);
    await this.#files.within(this.#fresh, async () => undefined);
  }

  async #stage(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
    const name = String(this.#count++);
    await withMessage(`cannot write ${path} into the mirror`, () =>
      this.#files.within(this.#fresh, (at) => write(`${at}/${name}`)),
    );
    this.#staged.set(path, name);
  }

  /** Renames files into a folder. A folder that lies in the place of a file is removed. */
  async #place(
    fresh: string,
    folder: string,
    entries: readonly (readonly [path: string, name: string])[],
  ): Promise<void> {
    const put = async (at: string) => {
      for (const [path, name] of entries) {
        const once = () => rename(`${fresh}/${name}`, `${at}/${basename(path)}`);
        await once().catch(async (error: unknown) => {
          if (!hasErrno(error, "EISDIR")) throw error;
          await this.#files.remove(path);
          await once();
        });
        this.#staged.delete(path);
      }
    };
    await withMessage(`cannot put files in place in ${folder}`, () => this.#files.within(folder, put));
  }
}

/**
 * Syncs a whole file system (syncfs(2)). Node has no call for it, and one fsync for each of many files takes
 * much longer.
 *
 * @throws RebootlessError `unsupported` without the sync command.
 */
async function syncFileSystem(path: string): Promise<void> {
  const hint = "Install coreutils.";
  const { code } = await runProgram("sync", ["-f", path], { hint });
  if (code !== 0) await mustRun("sync", [], { hint });
}

async function withMessage(message: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    if (cause instanceof RebootlessError) throw cause;
    const full = hasErrno(cause, "ENOSPC", "EDQUOT");
    const hint = full ? "The disk is full. The mirror is as it was; nothing has to be repaired." : undefined;
    throw new RebootlessError("io", message, { cause, ...(hint && { hint }) });
  }
}
