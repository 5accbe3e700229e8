import { lstatSync, rmSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import type { FileChange } from "./apply_patch.ts";
import { differingHeaders, type GeneratedHeaders, generatedHeaders, removeGenerated } from "./generated.ts";
import { type Kbuild, make } from "./kbuild.ts";

/** What came of an action in a patched tree. */
export type PatchedOutcome<T> =
  | { readonly kind: "done"; readonly value: T }
  /** The patch changes headers that kbuild generates from others, so what was compiled counts for nothing. */
  | { readonly kind: "generated"; readonly headers: readonly string[] };

/**
 * Runs an action while patched files are in the places of links, and restores the links.
 * @param root the tree that the links lead to.
 * @param prepared the generated headers as they were when the tree was prepared.
 * @param whenRestored is called if the tree is as it was prepared. Otherwise it cannot be used again.
 * @throws RebootlessError `io` if kbuild generates other headers than before without the patch, too.
 */
export async function withPatched<T>(
  kbuild: Kbuild,
  root: string,
  prepared: GeneratedHeaders,
  changes: readonly FileChange[],
  action: () => Promise<T>,
  whenRestored: () => Promise<void>,
): Promise<PatchedOutcome<T>> {
  const differing = async (): Promise<readonly string[]> =>
    differingHeaders(prepared, await generatedHeaders(kbuild.out));
  let left: readonly string[] = [];
  const restoreAll = async (): Promise<void> => {
    for (const { path } of changes) await restore(kbuild.tree, root, path);
    left = await differing();
    if (left.length > 0) {
      await removeGenerated(kbuild.out, left);
      await make(kbuild, ["modules_prepare"]);
      left = await differing();
    }
    if (left.length === 0) await whenRestored();
  };
  let value: T;
  let headers: readonly string[];
  try {
    for (const change of changes) await replace(kbuild.tree, change);
    value = await action();
    headers = await differing();
  } finally {
    await restoreAll();
  }
  if (left.length > 0) {
    throw new RebootlessError(
      "io",
      `kbuild no longer generates what it did when this source was prepared: ${left.join(", ")}`,
      { hint: "A program that it uses has changed. Run the command again: the source is prepared anew." },
    );
  }
  return headers.length > 0 ? { kind: "generated", headers } : { kind: "done", value };
}

async function replace(tree: string, { path, numbered }: FileChange): Promise<void> {
  const place = join(tree, path);
  await rm(place, { force: true }); // this removes the link, not its target
  if (numbered === undefined) return;
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, numbered, { encoding: "latin1", flag: "wx" });
}

async function restore(tree: string, root: string, path: string): Promise<void> {
  rmSync(join(tree, path), { force: true });
  if (lstatSync(join(root, path), { throwIfNoEntry: false }))
    await symlink(join(root, path), join(tree, path));
}
