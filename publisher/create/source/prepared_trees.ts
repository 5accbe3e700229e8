import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { folderLock } from "../../../node/lock.ts";
import { isCode } from "../../../shared/errors.ts";

/** The file whose presence says that a tree is prepared, and whose time says when it was last used. */
export const readyFile = (folder: string): string => join(folder, "ready.json");

/**
 * Removes everything in the folder of a tree but the file that is locked. That file must stay: a run that waits for its
 * lock would otherwise get the lock of a file that no later run sees.
 */
export async function emptyTree(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name !== "lock") await rm(join(folder, name), { recursive: true, force: true });
}

/**
 * Removes the trees that were not used for the longest time, and those that are not ready: their preparation failed, or
 * their run was killed. It leaves this process's own tree, and those that other runs hold.
 * @param most how many are kept, with this process's own.
 */
export async function pruneTrees(trees: string, own: string, most: number): Promise<void> {
  const others = (await readdir(trees)).map((name) => join(trees, name)).filter((folder) => folder !== own);
  const found = await Promise.all(others.map(async (folder) => ({ folder, used: await lastUse(folder) })));
  const ready = found.filter(({ used }) => used !== undefined);
  const recent = ready.sort((a, b) => (b.used ?? 0) - (a.used ?? 0)).slice(0, most - 1);
  for (const each of found) {
    if (recent.includes(each) || !(await hasContent(each.folder))) continue;
    const lock = folderLock(each.folder, { waitMs: 0 });
    try {
      await lock.take();
      // Another run may have used it since, and then it is no longer what was judged.
      if ((await lastUse(each.folder)) === each.used) await emptyTree(each.folder);
    } catch (error) {
      if (!isCode(error, "locked")) throw error;
    } finally {
      lock.release();
    }
  }
}

/** Returns the time of a tree's last use in milliseconds, or undefined if the tree is not ready. */
const lastUse = (folder: string): Promise<number | undefined> =>
  stat(readyFile(folder)).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );

const hasContent = async (folder: string): Promise<boolean> =>
  (await readdir(folder).catch(() => [])).some((name) => name !== "lock");
