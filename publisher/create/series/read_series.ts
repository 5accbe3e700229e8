import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { readNamed } from "../../../node/files.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { MAX_PATCH_BYTES } from "../source/patch_file.ts";
import type { ReleaseStep } from "./cve_records.ts";
import { type Fix, fixOf, MAX_FIXES, MAX_SERIES_BYTES, type PatchMail, withOwnIds } from "./fix.ts";
import { commitsOf, gitRange } from "./git_range.ts";
import { mailsIn } from "./mails.ts";
import { changelogCves } from "./package_changelog.ts";
import { quiltNames } from "./quilt.ts";
import { treeStep } from "./tree_step.ts";

/** A series of fixes, in the order in which they are applied. */
export interface Series {
  /** The name for people: "patches", "v6.1.190..v6.1.192". */
  readonly name: string;
  readonly fixes: readonly Fix[];
  /** The releases of the sources, if the fixes are the parts of a step between two of them. */
  readonly step?: ReleaseStep;
  /** The CVEs that the distribution's changelog names for the step. It does not say which parts they are. */
  readonly named?: readonly string[];
}

/**
 * Reads a series: a folder of patches (in the order of its file `series`, or of their names), a file of mails, a range of
 * a local clone (two words: REPO A..B), or the step between two sources (FROM..TO).
 * @param cache the folder where sources are unpacked.
 * @throws ParseError. @throws RebootlessError `usage`, `limit`, `io`.
 */
export async function readSeries(
  words: readonly string[],
  cache: string,
  progress: (line: string) => void,
): Promise<Series> {
  const [what = "", range, ...more] = words;
  if (more.length > 0)
    throw new RebootlessError("usage", "--series takes a path, or a clone and a range of commits");
  if (range !== undefined) {
    progress(`reading the commits ${range}`);
    return { name: range, fixes: withOwnIds((await commitsOf(gitRange(what, range))).map(fixOf)) };
  }
  const found = await stat(what).catch(() => undefined);
  const step = found === undefined ? await stepOf(what) : undefined;
  if (step !== undefined) {
    const name = `${basename(step.from)}..${basename(step.to)}`;
    const read = await treeStep(step.from, step.to, cache, progress);
    const named = await changelogCves(step.from, step.to);
    return { name, fixes: withOwnIds(read.fixes), step: read.step, named };
  }
  const files = found?.isDirectory() ? await patchesIn(what) : [what];
  const fixes = withOwnIds((await mailsOf(what, files)).map(fixOf));
  if (fixes.some(({ steps, unreadable }) => steps.length > 0 || unreadable !== undefined))
    return { name: basename(what), fixes };
  throw new RebootlessError("usage", `${what} has no patches`, {
    hint: "Give a folder of patches, a file of them, a clone and a range of commits, or FROM..TO of two sources.",
  });
}

/** Finds the two paths in "FROM..TO", either of which may have ".." in it. */
async function stepOf(what: string): Promise<{ readonly from: string; readonly to: string } | undefined> {
  const isThere = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  for (let at = what.indexOf(".."); at >= 0; at = what.indexOf("..", at + 1)) {
    const [from, to] = [what.slice(0, at), what.slice(at + 2)];
    if (from !== "" && to !== "" && (await isThere(from)) && (await isThere(to))) return { from, to };
  }
  return undefined;
}

/** Lists the patches of a folder: those that its file `series` names, else all, by name. */
async function patchesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  if (names.includes("series")) {
    const text = Buffer.from(await readNamed(join(folder, "series"), MAX_PATCH_BYTES)).toString("latin1");
    return quiltNames(text).map((name) => join(folder, name));
  }
  const patches = names.filter((name) => /\.(?:patch|diff|mbox)$/.test(name)).sort();
  if (patches.length > MAX_FIXES)
    throw new RebootlessError("limit", `${folder} has more than ${MAX_FIXES} patches`);
  return patches.map((name) => join(folder, name));
}

async function mailsOf(what: string, files: readonly string[]): Promise<readonly PatchMail[]> {
  const mails: PatchMail[] = [];
  let bytes = 0;
  for (const file of files) {
    const content = await readNamed(file, MAX_PATCH_BYTES);
    bytes += content.length;
    if (bytes > MAX_SERIES_BYTES)
      throw new RebootlessError("limit", `${what} has more than ${MAX_SERIES_BYTES} bytes`);
    const name = basename(file).replace(/\.(?:patch|diff|mbox)$/, "");
    mails.push(...mailsIn(name, Buffer.from(content).toString("latin1")));
  }
  return mails;
}
