import { execFile } from "node:child_process";
import { copyFile, link, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { RebootlessError } from "../../shared/errors.ts";
import { hasErrno } from "../host/files.ts";

const run = promisify(execFile);

/** What a reader comes to first is put in place last. */
type Rank = "named" | "timestamp" | "feed";
const RANKS: readonly Rank[] = ["named", "timestamp", "feed"];

/** feed.json and timestamp.json name all else; everything else is named by what it is, or by its version. */
function rankOf(path: string): Rank {
  if (path.endsWith("/feed.json") || path === "kernels/index.json") return "feed";
  return path.endsWith("/timestamp.json") ? "timestamp" : "named";
}

/**
 * Files that are to appear in a mirror. Each is written under another name first; once all are on the disk they are
 * renamed: what is named by its content or its version, then what names it. So whoever reads meanwhile, and whoever reads
 * after the power went, finds the old state of a kernel or the new one.
 */
export class Batch {
  readonly #root: string;
  readonly #fresh: string;
  readonly #staged = new Map<string, string>();
  #count = 0;

  /** @param fresh a folder on the same file system, for files that have no place yet. */
  constructor(root: string, fresh: string) {
    this.#root = root;
    this.#fresh = fresh;
  }

  get size(): number {
    return this.#staged.size;
  }

  has(path: string): boolean {
    return this.#staged.has(path);
  }

  /** Throws `io`, with what was there before untouched. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = this.#temporary();
    await inWords(`cannot write ${path} into the mirror`, () => writeFile(temporary, bytes, { flag: "wx" }));
    this.#staged.set(path, temporary);
  }

  /** The same file under a second name, or a copy where the file system has no links. */
  async link(path: string, from: string): Promise<void> {
    const temporary = this.#temporary();
    await inWords(`cannot write ${path} into the mirror`, async () => {
      const source = this.#staged.get(from) ?? join(this.#root, from);
      await link(source, temporary).catch(() => copyFile(source, temporary));
    });
    this.#staged.set(path, temporary);
  }

  async commit(): Promise<void> {
    if (this.#staged.size === 0) return;
    const folders = new Set([...this.#staged.keys()].map((path) => dirname(join(this.#root, path))));
    for (const folder of folders) await mkdir(folder, { recursive: true });
    for (const rank of RANKS) {
      const entries = [...this.#staged].filter(([path]) => rankOf(path) === rank);
      if (entries.length === 0) continue;
      await syncFileSystem(this.#root);
      for (const [path, temporary] of entries) {
        await inWords(`cannot put ${path} in place`, () => rename(temporary, join(this.#root, path)));
        this.#staged.delete(path);
      }
    }
    // A second name of a file that has this name already stays where it was (rename(2)).
    await rm(this.#fresh, { recursive: true, force: true });
    await mkdir(this.#fresh, { recursive: true });
    await syncFileSystem(this.#root);
  }

  #temporary(): string {
    return join(this.#fresh, String(this.#count++));
  }
}

/** All of a file system at once (syncfs(2)), which Node has no call for: one for each of many files takes much longer. */
async function syncFileSystem(path: string): Promise<void> {
  await run("sync", ["-f", path]).catch(() =>
    run("sync", []).catch((cause: unknown) => {
      throw new RebootlessError("unsupported", "cannot run sync", { cause, hint: "Install coreutils." });
    }),
  );
}

async function inWords(message: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    const full = hasErrno(cause, "ENOSPC", "EDQUOT");
    const hint = full ? "The disk is full. The mirror is as it was; nothing has to be repaired." : undefined;
    throw new RebootlessError("io", message, { cause, ...(hint && { hint }) });
  }
}
