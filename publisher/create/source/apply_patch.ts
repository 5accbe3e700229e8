import { copyFile, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "./build_tools.ts";
import { keepLineNumbers, lineShifts } from "./line_numbers.ts";
import { type PatchedFile, patchedFiles } from "./patch_file.ts";

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

/**
 * Applies a patch to copies of the files that it names. The tree is only read.
 * @param fuzzy whether patch(1) may place a hunk whose surroundings differ.
 * @throws ParseError.
 * @throws RebootlessError `usage` if the patch does not apply to this tree.
 * @throws RebootlessError `unsupported` without patch(1).
 * @throws RebootlessError `limit`.
 */
export async function applyPatch(
  tree: string,
  patch: string,
  fuzzy: boolean,
): Promise<readonly FileChange[]> {
  const named = patchedFiles(patch);
  const strip = await partsToStrip(tree, named);
  const files = named.map((file) => ({ ...file, path: stripped(file.path, strip) }));
  const work = await mkdtemp(join(tmpdir(), "rebootless-patch-"));
  try {
    const before = join(work, "before");
    const after = join(work, "after");
    for (const copy of [before, after]) for (const { path } of files) await copyIn(tree, copy, path);
    await runPatch(after, patch, strip, fuzzy);
    const changes: FileChange[] = [];
    for (const { path } of files) changes.push(await changeOf(before, after, path));
    return changes.filter((change) => change.before !== change.after);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const stripped = (path: string, parts: number): string => path.split("/").slice(parts).join("/");

/**
 * Returns how many leading parts of the patch's paths to leave out (`a/fs/file.c` or `fs/file.c`): the number
 * with which more of its files are in the tree.
 */
async function partsToStrip(tree: string, files: readonly PatchedFile[]): Promise<number> {
  const present = async (parts: number): Promise<number> => {
    let count = 0;
    for (const { path, kind } of files) {
      const place = stripped(path, parts);
      const wanted = kind === "added" ? dirname(place) : place;
      if (place !== "" && wanted !== "." && (await exists(join(tree, wanted)))) count += 1;
    }
    return count;
  };
  const [none, one] = [await present(0), await present(1)];
  if (none === 0 && one === 0) {
    throw new RebootlessError("usage", "the source tree has none of the files that the patch names", {
      hint: "Paths in a patch start at the root of the tree, after a/ and b/ or the name of one folder.",
    });
  }
  return one >= none ? 1 : 0;
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

async function copyIn(tree: string, copy: string, path: string): Promise<void> {
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

async function runPatch(folder: string, patch: string, strip: number, fuzzy: boolean): Promise<void> {
  const file = join(folder, ".patch");
  await writeFile(file, patch, "latin1");
  const { code, stdout, stderr } = await runBuildTool(
    "patch",
    [
      `-p${strip}`,
      `--fuzz=${fuzzy ? 2 : 0}`,
      "--batch",
      "--forward",
      "--no-backup-if-mismatch",
      "--reject-file=-",
      "--input=.patch",
    ],
    { cwd: folder },
  );
  await rm(file);
  if (code === 0) return;
  throw new RebootlessError("usage", "the patch does not apply to this source", {
    output: lastLines(stdout + stderr, 20),
    hint: fuzzy
      ? "Make it against exactly the source that the kernel was built from."
      : "Make it against exactly the source that the kernel was built from, or allow inexact matches with --fuzz.",
  });
}

async function changeOf(beforeRoot: string, afterRoot: string, path: string): Promise<FileChange> {
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
