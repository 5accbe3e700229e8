import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fix } from "../../../../../publisher/create/series/fix.ts";
import { treeStep } from "../../../../../publisher/create/series/tree_step.ts";
import { Finished, sourcesDigest } from "../../../../support/finished.ts";
import { type SourcePair, twoVersions } from "../../../create/pair.ts";
import type { Workshop } from "../../../create/workshop.ts";
import { changelogIn } from "./changelog_file.ts";
import { type CorpusFix, inTurnOfFolders } from "./corpus_fix.ts";
import { subjectsSince } from "./subjects.ts";
import { type TouchedFile, tiedFiles } from "./tie.ts";
import { touchedBy } from "./touched.ts";

/** What is larger than this is hardly the fix of one CVE. */
const MAX_FILES = 8;
const MAX_LINES = 100;

/** A connected part of a step: each of its files has its own difference. */
interface StepPart {
  readonly patch: string;
  readonly files: ReadonlyMap<string, string>;
}

/** What decides which fixes there are. */
const CODE = ["publisher/create/series", "test/proof/supply/corpus/find"];

/** Finds the fixes, and keeps them in the folder: the comparison of two sources takes minutes. */
export async function findCorpus(
  pair: SourcePair,
  workshop: Workshop,
  folder: string,
  progress: (line: string) => void,
): Promise<readonly CorpusFix[]> {
  const found = new Finished(join(folder, "found.jsonl"), sourcesDigest(CODE), false);
  return await found.resultOf(
    `${pair.kernel.version} to ${pair.to}`,
    () => findFixes(pair, workshop, progress),
    (fixes) => fixes.length > 0,
  );
}

/**
 * Finds the fixes of single CVEs in a step between two versions of the distribution's source: the connected parts of the
 * difference that have one file that this kernel is compiled from and that the changelog ties to a CVE, and no other file
 * that it ties to anything else.
 */
async function findFixes(
  pair: SourcePair,
  workshop: Workshop,
  progress: (line: string) => void,
): Promise<readonly CorpusFix[]> {
  const { sources } = twoVersions(pair);
  const subjects = subjectsSince(await changelogIn(sources.to), pair.from);
  const { fixes } = await treeStep(sources.from, sources.to, pair.cache, progress);
  const parts = fixes.map(partOf);
  const touched: TouchedFile[] = [];
  for (const part of parts) touched.push(...(await touchedIn(part, workshop)));
  const code = touched.filter(({ path }) => path.endsWith(".c"));
  const { tied, claimed } = tiedFiles(subjects, code);
  const tiedTo = new Map(tied.map((file) => [file.path, file]));
  const lines = new Map(touched.map((file) => [file.path, file.touched.lines]));
  const found = parts.flatMap(({ patch, files }): readonly CorpusFix[] => {
    const paths = [...files.keys()];
    const [path, another] = paths.filter((each) => claimed.has(each));
    const fix = path === undefined ? undefined : tiedTo.get(path);
    const size = paths.reduce((sum, each) => sum + (lines.get(each) ?? 0), 0);
    const isOne = another === undefined && paths.length <= MAX_FILES && size <= MAX_LINES;
    if (fix === undefined || !isOne || !workshop.compiles(fix.path)) return [];
    return [{ cve: fix.cve, subject: fix.subject, path: fix.path, files: paths, patch }];
  });
  progress(
    `${subjects.length} subjects, ${tied.length} files tied to a CVE, ${found.length} fixes of this kernel`,
  );
  return inTurnOfFolders(found);
}

function partOf({ steps }: Fix): StepPart {
  const patch = steps.map(({ text }) => text).join("");
  const each = patch.split(/^(?=--- [^\n]*\n\+\+\+ )/m).filter((text) => text !== "");
  return { patch, files: new Map(each.map((text) => [pathIn(text), text])) };
}

/** The path of a file's difference: the old one, or the new one of a file that is added. */
function pathIn(text: string): string {
  const path = /^--- a\/(\S+)/.exec(text)?.[1] ?? /^\+\+\+ b\/(\S+)/m.exec(text)?.[1];
  if (path === undefined) throw new Error(`no path in ${text.slice(0, 200)}`);
  return path;
}

/** What the part changes in files of C that both versions have. */
async function touchedIn(
  { files }: StepPart,
  { roots: [from, to] }: Workshop,
): Promise<readonly TouchedFile[]> {
  const touched: TouchedFile[] = [];
  for (const [path, text] of files) {
    if (!/\.[ch]$/.test(path) || NOT_KERNEL.test(path) || text.includes(" /dev/null\n")) continue;
    const [before, after] = [
      await readFile(join(from, path), "latin1"),
      await readFile(join(to, path), "latin1"),
    ];
    touched.push({ path, touched: touchedBy(before, after, text) });
  }
  return touched;
}

/** Folders whose code is not the kernel's. */
const NOT_KERNEL = /^(?:Documentation|samples|scripts|tools)\//;
