import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sourceOf } from "../source/affected.ts";
import type { FileChange } from "../source/apply_patch.ts";
import type { Workspace } from "../source/workspace.ts";
import { calls } from "./copy_skeleton.ts";

/** A source file of the kernel whose text calls a function. */
export interface CallingFile {
  readonly path: string;
  /** The text as the patch leaves it, as Latin-1. */
  readonly text: string;
}

/** Looks through the C sources of the kernel for calls of a function. Calls in macros of headers are not found. */
export async function callersInTree(
  { kbuild, units }: Pick<Workspace, "kbuild" | "units">,
  changes: readonly FileChange[],
  name: string,
): Promise<readonly CallingFile[]> {
  const changed = new Map(changes.map(({ path, after }) => [path, after]));
  const found: CallingFile[] = [];
  for (const object of units.keys()) {
    const path = sourceOf(object);
    const text =
      changed.get(path) ?? (await readFile(join(kbuild.tree, path), "latin1").catch(() => undefined)); // assembly
    if (text !== undefined && calls(text, name)) found.push({ path, text });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
