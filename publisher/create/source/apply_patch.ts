import { copyFile, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import { counted } from "../../../shared/counted.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "./build_tools.ts";
import { keepLineNumbers, lineShifts } from "./line_numbers.ts";
import { MAX_PATCHED_FILES, type PatchedFile, type PatchStep } from "./patch_file.ts";

/**
 * The most bytes of a file. The kernel's largest files, tables of registers, have 20 MB; the largest .c file
 * has less than 1 MB.
 */
const MAX_FILE_BYTES = 32 << 20;

/** A file of the source tree that a patch changes. Texts are Latin-1, so that every byte is preserved. */
export interface FileChange {
  /** The path in the tree: "fs/ext4/mballoc.c". */
  readonly path: string;
  /** The old text, or undefined for a file that the patch adds. */
  readonly before: string | undefined;
  /** The new text, or undefined for a file that the patch removes. */
  readonly after: string | undefined;
  /** The text of `after`, with `#line` directives that keep the numbers of lines that did not change. */
  readonly numbered: string | undefined;
}

/** What a series of patches makes of a tree. */
export interface AppliedSeries {
  readonly changes: readonly FileChange[];
  /** Sentences on hunks that did not apply where they say. */
  readonly notes: readonly string[];
}

/**
 * Applies patches, one after the other, to copies of the files that they name. The tree is only read.
 * @param patches the steps of each patch.
 * @param fuzzy whether patch(1) may place a hunk whose surroundings differ.
 * @throws ParseError.
 * @throws RebootlessError `usage` if a patch does not apply to this tree.
 * @throws RebootlessError `unsupported` without patch(1).
 * @throws RebootlessError `limit`.
 */
export async function applySeries(
  tree: string,
  patches: readonly (readonly PatchStep[])[],
  fuzzy: boolean,
): Promise<AppliedSeries> {
  const count = patches.flat().reduce((sum, { files }) => sum + files.length, 0);
  if (count > MAX_PATCHED_FILES)
    throw new RebootlessError("limit", `the patches change more than ${MAX_PATCHED_FILES} files`);
  const work = await mkdtemp(join(tmpdir(), "rebootless-patch-"));
  try {
    const before = join(work, "before");
    const after = join(work, "after");
    const paths = new Set<string>();
    const notes: string[] = [];
    for (const [number, steps] of patches.entries()) {
      const what = patches.length === 1 ? "the patch" : `patch ${number + 1} of ${patches.length}`;
      const strip = await partsToStrip([tree, after], what, firstOf(steps));
      for (const step of steps) {
        for (const file of step.files) {
          const path = stripped(file.path, strip);
          if (paths.has(path)) continue;
          paths.add(path);
          for (const copy of [before, after]) await copyIn(tree, copy, path);
        }
        const run = await runPatch(after, step, strip, fuzzy);
        if (run.kind === "failed") throw await notApplied({ tree, patches, what, fuzzy, work }, run.output);
        notes.push(...run.notes);
      }
    }
    const changes: FileChange[] = [];
    for (const path of paths) changes.push(await changeOf(before, after, path));
    return { changes: changes.filter((change) => change.before !== change.after), notes };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Returns each file as the first step that names it has it: later steps may change what it adds. */
export function firstOf(steps: readonly PatchStep[]): readonly PatchedFile[] {
  const files = new Map<string, PatchedFile>();
  for (const file of steps.flatMap((step) => step.files))
    if (!files.has(file.path)) files.set(file.path, file);
  return [...files.values()];
}

/** Returns a path of a patch without its leading parts. */
export const stripped = (path: string, parts: number): string => path.split("/").slice(parts).join("/");

/**
 * Returns how many leading parts of the patch's paths to leave out (`a/fs/file.c` or `fs/file.c`): the number
 * with which more of its files are in the tree, or were added by an earlier patch.
 */
async function partsToStrip(
  trees: readonly string[],
  what: string,
  files: readonly PatchedFile[],
): Promise<number> {
  const strip = await stripOf(trees, files);
  if (strip !== undefined) return strip;
  throw new RebootlessError("usage", `the source tree has none of the files that ${what} names`, {
    answer: { outcome: "does_not_apply" },
    hint: "Paths in a patch start at the root of the tree, after a/ and b/ or the name of one folder.",
  });
}

/** Does what `partsToStrip` does, and returns undefined if none of the files is there. */
export async function stripOf(
  trees: readonly string[],
  files: readonly PatchedFile[],
): Promise<number | undefined> {
  const isThere = async (place: string): Promise<boolean> => {
    for (const tree of trees) if (await exists(join(tree, place))) return true;
    return false;
  };
  const present = async (parts: number): Promise<number> => {
    let count = 0;
    for (const { path, kind } of files) {
      const place = stripped(path, parts);
      const wanted = kind === "added" ? dirname(place) : place;
      if (place !== "" && wanted !== "." && (await isThere(wanted))) count += 1;
    }
    return count;
  };
  const [none, one] = [await present(0), await present(1)];
  if (none === 0 && one === 0) return undefined;
  return one >= none ? 1 : 0;
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Copies a file of a tree, if it is there. @throws RebootlessError `usage` if it is no plain file; `limit`. */
export async function copyIn(tree: string, copy: string, path: string): Promise<void> {
  const from = join(tree, path);
  const to = join(copy, path);
  await mkdir(dirname(to), { recursive: true });
  const found = await lstat(from).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isFile()) throw new RebootlessError("usage", `${path} is not a plain file in the source tree`);
  if (found.size > MAX_FILE_BYTES)
    throw new RebootlessError("limit", `${path} has more than ${MAX_FILE_BYTES} bytes`);
  await copyFile(from, to);
}

/** What patch(1) did: notes on hunks that it had to look for, or what it says of hunks that do not apply. */
export type PatchRun =
  | { readonly kind: "applied"; readonly notes: readonly string[] }
  | { readonly kind: "failed"; readonly output: readonly string[] };

/**
 * Runs patch(1) in a folder. If it fails, files may be left half changed.
 * @param reverse undoes the patch instead.
 */
export async function runPatch(
  folder: string,
  { text }: PatchStep,
  strip: number,
  fuzzy: boolean,
  reverse = false,
): Promise<PatchRun> {
  const file = join(folder, ".patch");
  await writeFile(file, text, "latin1");
  const { code, stdout, stderr } = await runBuildTool(
    "patch",
    [
      `-p${strip}`,
      `--fuzz=${fuzzy ? 2 : 0}`,
      // Neither takes a patch for the reverse of what it says, which --batch alone would do.
      ...(reverse ? ["--reverse", "--force"] : ["--forward", "--batch"]),
      "--no-backup-if-mismatch",
      "--reject-file=-",
      "--input=.patch",
    ],
    { cwd: folder },
  );
  await rm(file);
  return code === 0
    ? { kind: "applied", notes: movedHunks(stdout) }
    : { kind: "failed", output: lastLines(stdout + stderr, 20) };
}

/** Patches that were to be applied, and a folder to work in. */
interface Attempt {
  readonly tree: string;
  readonly patches: readonly (readonly PatchStep[])[];
  /** The patch that does not apply, for people. */
  readonly what: string;
  readonly fuzzy: boolean;
  readonly work: string;
}

/** Returns the error for patches that do not apply. A script reads in `outcome` whether the source has them already. */
async function notApplied(attempt: Attempt, output: readonly string[]): Promise<RebootlessError> {
  const { patches, what, fuzzy } = attempt;
  if (await areIn(attempt))
    return new RebootlessError(
      "usage",
      `the source has all that the ${patches.length === 1 ? "patch does" : "patches do"} already`,
      { answer: { outcome: "already_in" }, hint: "This kernel does not need them." },
    );
  return new RebootlessError("usage", `${what} does not apply to this source`, {
    output,
    answer: { outcome: "does_not_apply" },
    hint: fuzzy
      ? "Make it against exactly the source that the kernel was built from."
      : "Make it against exactly the source that the kernel was built from, or allow inexact matches with --fuzz.",
  });
}

/** Reports whether all patches can be undone, the last one first: the tree has them. */
async function areIn({ tree, patches, fuzzy, work }: Attempt): Promise<boolean> {
  const folder = join(work, "undone");
  await mkdir(folder, { recursive: true });
  for (const steps of [...patches].reverse()) {
    const strip = await stripOf([tree], firstOf(steps));
    if (strip === undefined) return false;
    for (const step of [...steps].reverse()) {
      for (const { path } of step.files) {
        const place = stripped(path, strip);
        if (!(await exists(join(folder, place)))) await copyIn(tree, folder, place);
      }
      if ((await runPatch(folder, step, strip, fuzzy, true)).kind === "failed") return false;
    }
  }
  return true;
}

/**
 * Reads what patch(1) says about hunks that it had to look for: "patching file fs/x.c", then "Hunk #2 succeeded at 103
 * with fuzz 1 (offset 3 lines).".
 */
export function movedHunks(output: string): readonly string[] {
  const notes: string[] = [];
  let path = "";
  for (const line of output.split("\n")) {
    path = /^patching file '?(.+?)'?$/.exec(line)?.[1] ?? path;
    const [, hunk, fuzz, offset] =
      /^Hunk #(\d+) succeeded at \d+(?: with fuzz (\d+))?(?: \(offset (-?\d+) lines?\))?\.$/.exec(line) ?? [];
    if (hunk === undefined) continue;
    const lines = Number(offset ?? 0);
    const where = `${counted(Math.abs(lines), "line")} ${lines < 0 ? "earlier" : "later"}`;
    const how = fuzz === undefined ? "" : `${lines === 0 ? "" : ", and"} though its surroundings differ`;
    notes.push(`hunk ${hunk} of ${path} applies${lines === 0 ? "" : ` ${where} than it says`}${how}`);
  }
  return notes;
}

/** Reads what became of a file. @throws ParseError if it is no longer a plain file. */
export async function changeOf(beforeRoot: string, afterRoot: string, path: string): Promise<FileChange> {
  const before = await textOf(join(beforeRoot, path));
  const after = await textOf(join(afterRoot, path));
  if (before === undefined || after === undefined || !/\.[chS]$/.test(path))
    return { path, before, after, numbered: after };
  const shifts = await lineShifts(join(beforeRoot, path), join(afterRoot, path));
  return { path, before, after, numbered: keepLineNumbers(after, shifts) };
}

async function textOf(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new ParseError(`the patch turns ${path} into something other than a file`);
  return readFile(path, "latin1");
}
