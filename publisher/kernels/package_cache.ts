import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../../node/crypto.ts";
import { folderLock } from "../../node/lock.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import type { PackageFile } from "./served_kernel.ts";

/** The most bytes of packages that are kept, if nobody says otherwise: a hundred kernels, and some sources. */
export const DEFAULT_CACHE_BYTES = 20 * 1024 ** 3;

/** Brings a file into an empty folder. */
export type Fetch = (file: PackageFile, folder: string) => Promise<void>;

/**
 * Packages that were fetched, each in a folder that is named by its digest. Runs share it. A run that is killed leaves
 * nothing that a later one would take for a package.
 */
export class PackageCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Returns the path of a package, which is fetched if it is not there.
   * @throws RebootlessError `trust` if what is fetched is not what the list says.
   */
  async path(file: PackageFile, fetch: Fetch): Promise<string> {
    const folder = join(this.#folder, file.sha256);
    const path = join(folder, file.file);
    if (await isThere(path)) {
      await utimes(folder, new Date(), new Date());
      return path;
    }
    await mkdir(this.#folder, { recursive: true });
    const work = await mkdtemp(join(this.#folder, "fetching-"));
    try {
      await fetch(file, work);
      const [only, ...others] = await readdir(work);
      if (only === undefined || others.length > 0)
        throw new RebootlessError("io", `fetching ${file.package} ${file.version} brought no single file`);
      await requirePackage(join(work, only), file);
      await rename(join(work, only), join(work, file.file));
      await rm(folder, { recursive: true, force: true });
      await rename(work, folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return path;
  }

  /**
   * Removes the packages that were not used for the longest time, until all have no more than so many bytes. What this
   * run or another one uses stays: they hold the cache's lock.
   */
  async prune(maxBytes: number): Promise<void> {
    const lock = folderLock(this.#folder, { waitMs: 0 });
    try {
      await lock.take();
      const found = await this.#found();
      let sum = found.reduce((bytes, each) => bytes + each.bytes, 0);
      for (const { folder, bytes } of found.sort((a, b) => a.used - b.used)) {
        if (sum <= maxBytes) break;
        await rm(folder, { recursive: true, force: true });
        sum -= bytes;
      }
    } catch (error) {
      if (!isCode(error, "locked")) throw error;
    } finally {
      lock.release();
    }
  }

  /** Keeps the packages from being pruned while `use` runs. */
  async held<T>(use: () => Promise<T>): Promise<T> {
    await mkdir(this.#folder, { recursive: true });
    const lock = folderLock(this.#folder, { shared: true, waitMs: LOCK_WAIT_MS });
    await lock.take();
    try {
      return await use();
    } finally {
      lock.release();
    }
  }

  async #found(): Promise<{ folder: string; bytes: number; used: number }[]> {
    const entries = await readdir(this.#folder, { withFileTypes: true });
    const folders = entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(this.#folder, name));
    return Promise.all(folders.map(async (folder) => ({ folder, ...(await sizeOf(folder)) })));
  }
}

/** The longest wait for another run that prunes, in milliseconds. */
const LOCK_WAIT_MS = 60_000;

async function sizeOf(folder: string): Promise<{ readonly bytes: number; readonly used: number }> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return { bytes, used: (await stat(folder)).mtimeMs };
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** @throws RebootlessError `trust` if a file is not the package that a list names. */
export async function requirePackage(
  path: string,
  { package: name, version, bytes, sha256 }: PackageFile,
): Promise<void> {
  const { size } = await stat(path);
  if (size === bytes && (await sha256OfFile(path)) === sha256) return;
  throw new RebootlessError("trust", `${name} ${version} is not the file that the list of kernels names`, {
    hint: "If its packages were built again under the same version, run rebootless-publish kernels sync.",
  });
}
