import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { sourceVersion } from "../source/agreement.ts";
import { runBuildTool } from "../source/build_tools.ts";
import { includersOf, includesIn } from "../source/include_index.ts";
import { openSource, type SourceTree } from "../source/source_tree.ts";
import type { ReleaseStep } from "./cve_records.ts";
import type { Fix } from "./fix.ts";
import { type ChangedFile, connectedParts } from "./parts.ts";

/** The most files that may differ between two trees. A step of a stable branch changes some hundred. */
export const MAX_CHANGED_FILES = 16_384;
const MAX_FILE_BYTES = 32 << 20;

/**
 * Reads the step from one source to another as a series, of which each fix is a connected part of the difference.
 * @param from a tree, or the distribution's package of it.
 * @throws RebootlessError `usage`, `limit`, `io`.
 */
export async function treeStep(
  from: string,
  to: string,
  cache: string,
  progress: (line: string) => void,
): Promise<{ readonly fixes: readonly Fix[]; readonly step: ReleaseStep }> {
  const [before, after] = [await openSource(from, cache, progress), await openSource(to, cache, progress)];
  progress("comparing the two sources, file by file");
  const files = await changedFilesOf(before, after);
  if (files.length === 0) throw new RebootlessError("usage", "the two sources do not differ");
  progress(`${files.length} files differ`);
  const hasHeaders = files.some(({ path }) => path.endsWith(".h"));
  const index = hasHeaders ? await includesIn(after.root) : new Map<string, readonly string[]>();
  const reached = new Map<string, ReadonlySet<string>>();
  const changed = new Set(files.map(({ path }) => path));
  const includes = (file: string, header: string): boolean => {
    const own = architectureOf(header);
    if (own !== undefined && architectureOf(file) !== own && own !== "x86") return false;
    let files = reached.get(header);
    if (files === undefined) {
      const isChanged = (path: string): boolean => changed.has(path);
      files = new Set(includersOf(index, header, isChanged, Number.POSITIVE_INFINITY));
      reached.set(header, files);
    }
    return files.has(file);
  };
  const step = { from: await sourceVersion(before.root), to: await sourceVersion(after.root) };
  return { fixes: connectedParts(files, includes), step };
}

/** Returns the architecture that a file is of. Headers of others than x86 are included by files of the same one alone. */
const architectureOf = (path: string): string | undefined => /^arch\/([^/]+)\//.exec(path)?.[1];

/** Finds the files that differ. One call after the other is quicker than promises for 160,000 files. */
async function changedFilesOf(before: SourceTree, after: SourceTree): Promise<readonly ChangedFile[]> {
  const changed: ChangedFile[] = [];
  for (const path of [...new Set([...before.files, ...after.files])].sort()) {
    const [old, now] = [sizeOf(before.root, path), sizeOf(after.root, path)];
    if (old === undefined && now === undefined) continue;
    const [was, is] = [contentOf(before.root, path, old), contentOf(after.root, path, now)];
    if (old === now && was.equals(is)) continue;
    changed.push({
      path,
      before: was.toString("latin1"),
      after: is.toString("latin1"),
      patch: await difference(before.root, after.root, path, old, now),
    });
    if (changed.length > MAX_CHANGED_FILES)
      throw new RebootlessError("limit", `more than ${MAX_CHANGED_FILES} files differ`);
  }
  return changed;
}

/** Returns the size of a plain file in bytes. Links and what is not there have none. */
function sizeOf(root: string, path: string): number | undefined {
  const found = lstatSync(join(root, path), { throwIfNoEntry: false });
  if (!found?.isFile()) return undefined;
  if (found.size <= MAX_FILE_BYTES) return found.size;
  throw new RebootlessError("limit", `${path} has more than ${MAX_FILE_BYTES} bytes`);
}

const contentOf = (root: string, path: string, size: number | undefined): Buffer =>
  size === undefined ? Buffer.alloc(0) : readFileSync(join(root, path));

/** Makes the difference of one file with diff(1), which ends with 1 where files differ. */
async function difference(
  from: string,
  to: string,
  path: string,
  old: number | undefined,
  now: number | undefined,
): Promise<string> {
  const side = (root: string, mark: string, size: number | undefined) =>
    size === undefined
      ? { label: "/dev/null", file: "/dev/null" }
      : { label: `${mark}/${path}`, file: join(root, path) };
  const [before, after] = [side(from, "a", old), side(to, "b", now)];
  const args = ["-a", "-u", "--label", before.label, "--label", after.label, before.file, after.file];
  const { code, stdout } = await runBuildTool("diff", args, { encoding: "latin1" });
  if (code <= 1) return stdout;
  throw new RebootlessError("io", `diff cannot compare ${path}`);
}
