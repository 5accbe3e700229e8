import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SourceTree } from "../../../publisher/create/source/source_tree.ts";

/** A file that two versions of a source have in different forms, and the patch from one to the other. */
export interface ChangedFile {
  readonly path: string;
  readonly patch: string;
}

/** The .c files that differ between two trees, of those that `wanted` takes, in order of their paths. */
export async function changedFiles(
  from: SourceTree,
  to: SourceTree,
  wanted: (path: string) => boolean,
): Promise<readonly ChangedFile[]> {
  const inBoth = new Set(to.files);
  const changed: ChangedFile[] = [];
  for (const path of from.files) {
    if (!path.endsWith(".c") || !inBoth.has(path) || !wanted(path)) continue;
    const [before, after] = [join(from.root, path), join(to.root, path)];
    if ((await readFile(before)).equals(await readFile(after))) continue;
    changed.push({ path, patch: await unifiedDiff(before, after, path) });
  }
  return changed;
}

/** As git shows it. diff(1) ends with 1 where files differ. */
export function unifiedDiff(before: string, after: string, path: string): Promise<string> {
  const args = ["-a", "-u", "--label", `a/${path}`, "--label", `b/${path}`, before, after];
  return new Promise((resolve, reject) => {
    execFile("diff", args, { encoding: "latin1", maxBuffer: 64 << 20 }, (error, stdout) => {
      if (stdout !== "") resolve(stdout);
      else reject(error ?? new Error(`${path} does not differ`));
    });
  });
}
