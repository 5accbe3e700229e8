import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { objectOf } from "../../../publisher/create/source/affected.ts";
import type { FileChange } from "../../../publisher/create/source/apply_patch.ts";
import {
  compiledKey,
  compileOwn,
  makeObjects,
  seekObjects,
} from "../../../publisher/create/source/compile.ts";
import type { ObjectCache } from "../../../publisher/create/source/object_cache.ts";
import type { Workspace } from "../../../publisher/create/source/workspace.ts";

/** Files compiled in one run of make. */
const AT_ONCE = 64;

/**
 * Puts into the cache what `create` would compile for each of many patches of one file each: a run of make for all of
 * them instead of two for each. What two patches would have in common is left to `create`: a unit that reads another's
 * changed file is not kept.
 * @returns the compiler's words for each object that its own change alone does not compile.
 */
export async function compileAhead(
  workspace: Workspace,
  cache: ObjectCache,
  changes: readonly FileChange[],
  progress: (line: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>();
  for (let at = 0; at < changes.length; at += AT_ONCE) {
    const some = changes.slice(at, at + AT_ONCE);
    const all = some.map(({ path }) => objectOf(path));
    await compileOwn(workspace, cache, await seekObjects(workspace, cache, all, []));
    const missing: FileChange[] = [];
    for (const change of some) {
      const object = objectOf(change.path);
      if ((await cache.read((await compiledKey(workspace, [change]))(object))) === undefined)
        missing.push(change);
    }
    const objects = missing.map(({ path }) => objectOf(path));
    const patched =
      objects.length === 0
        ? undefined
        : await workspace.patched(missing, () => makeObjects(workspace, objects));
    const made = patched?.kind === "done" ? patched.value : new Map();
    for (const change of missing) {
      const object = objectOf(change.path);
      const outcome = made.get(object);
      if (outcome?.kind === "failed") failed.set(object, outcome.output.join("\n"));
      else if (outcome !== undefined && (await readsItsOwnAlone(workspace, change, missing)))
        await cache.write((await compiledKey(workspace, [change]))(object), outcome.unit);
    }
    progress(`compiled ${Math.min(at + AT_ONCE, changes.length)} of ${changes.length}`);
  }
  return failed;
}

/** By the dependencies that the compiler wrote down. */
async function readsItsOwnAlone(
  { kbuild }: Workspace,
  { path }: FileChange,
  all: readonly FileChange[],
): Promise<boolean> {
  const object = objectOf(path);
  const text = await readFile(
    join(kbuild.out, dirname(object), `.${object.split("/").at(-1)}.cmd`),
    "latin1",
  );
  return all.every((other) => other.path === path || !text.includes(`/${other.path} `));
}
