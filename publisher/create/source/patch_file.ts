import { ParseError, RebootlessError } from "../../../shared/errors.ts";

/** The most bytes of all patches. That of a stable release of the kernel has 10 MB; a fix has kilobytes. */
export const MAX_PATCH_BYTES = 32 << 20;
/** The most diffs of files in all patches. */
export const MAX_PATCHED_FILES = 4096;
const MAX_PATH = 1024;

/** A file that a patch changes, adds or removes. */
export interface PatchedFile {
  /** The path as the patch has it, with its first part (`a/`, `linux-6.1/`). */
  readonly path: string;
  readonly kind: "changed" | "added" | "removed";
}

/** The part of a patch that changes no file twice, so that patch(1) can apply it in one go. */
export interface PatchStep {
  readonly text: string;
  readonly files: readonly PatchedFile[];
}

const NOTHING = "/dev/null";
const HUNK = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;

/**
 * Reads a unified diff, as diff(1) and git make them, or several ones after each other, as in the output of
 * git format-patch. It reads only the names of files and where their diffs end, because patch(1) applies them.
 * @throws ParseError for text that is no unified diff, paths that leave the tree, renames, and binary changes.
 * @throws RebootlessError `limit`.
 */
export function patchSteps(text: string): readonly PatchStep[] {
  if (text.length > MAX_PATCH_BYTES)
    throw new RebootlessError("limit", `the patch has more than ${MAX_PATCH_BYTES} bytes`);
  const lines = text.split("\n");
  const steps: PatchStep[] = [];
  let files = new Map<string, PatchedFile>();
  let count = 0;
  let start = 0;
  let end = 0;
  const endStep = (): void => {
    if (files.size === 0) return;
    steps.push({ text: `${lines.slice(start, end).join("\n")}\n`, files: [...files.values()] });
    [start, files] = [end, new Map()];
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    requireText(line);
    const next = lines[at + 1] ?? "";
    if (!line.startsWith("--- ") || !next.startsWith("+++ ")) {
      if (HUNK.test(line))
        throw new ParseError(`line ${at + 1} of the patch: a hunk that belongs to no file`);
      at += 1;
      continue;
    }
    const file = patchedFile(pathIn(line), pathIn(next));
    if (files.has(file.path)) endStep();
    files.set(file.path, file);
    count += 1;
    if (count > MAX_PATCHED_FILES)
      throw new RebootlessError("limit", `the patch changes more than ${MAX_PATCHED_FILES} files`);
    at = afterHunks(lines, at + 2, file.path);
    end = at;
  }
  endStep();
  if (steps.length > 0) return steps;
  throw new ParseError("not a patch: it changes no file", {
    hint: "Give a unified diff, as diff -u and git diff make it.",
  });
}

/** Refuses the lines by which git describes a change without text: of a binary file, or a rename. */
function requireText(line: string): void {
  if (/^(?:GIT binary patch|Binary files .* differ)$/.test(line))
    throw new ParseError("the patch changes a binary file");
  if (/^(?:rename|copy) (?:from|to) /.test(line)) {
    throw new ParseError("the patch moves a file", {
      hint: "git diff --no-renames writes this as one removed and one added file.",
    });
  }
}

function patchedFile(before: string, after: string): PatchedFile {
  if (before === NOTHING && after === NOTHING) throw new ParseError("the patch names no file");
  if (before === NOTHING) return { path: insideTree(after), kind: "added" };
  if (after === NOTHING) return { path: insideTree(before), kind: "removed" };
  insideTree(before);
  return { path: insideTree(after), kind: "changed" };
}

/** Returns the path in a line like `+++ b/fs/file.c<TAB>2026-01-01`, in which a time follows the tab. */
const pathIn = (line: string): string => (line.slice(4).split("\t", 1)[0] ?? "").trimEnd();

function insideTree(path: string): string {
  const parts = path.split("/");
  const isPlain = /^[A-Za-z0-9_.,+@/~=-]+$/.test(path) && path.length <= MAX_PATH;
  if (isPlain && parts.every((part) => part !== "" && part !== "." && part !== "..")) return path;
  throw new ParseError(
    `the patch names ${JSON.stringify(path.slice(0, 80))}, which is not a path in a source tree`,
  );
}

/** Returns the end of the file's hunks, each of which is as long as its head says. */
function afterHunks(lines: readonly string[], start: number, path: string): number {
  let at = start;
  for (let hunk = HUNK.exec(lines[at] ?? ""); hunk !== null; hunk = HUNK.exec(lines[at] ?? "")) {
    let before = Number(hunk[1] ?? 1);
    let after = Number(hunk[2] ?? 1);
    at += 1;
    while (before > 0 || after > 0) {
      const mark = lines[at]?.[0] ?? (at < lines.length - 1 ? " " : undefined);
      if (mark === " " || mark === "-") before -= 1;
      if (mark === " " || mark === "+") after -= 1;
      if (before < 0 || after < 0 || mark === undefined || !" -+\\".includes(mark))
        throw new ParseError(
          `line ${at + 1} of the patch: the hunk of ${path} does not have the length that it states`,
        );
      at += 1;
    }
    if (lines[at]?.startsWith("\\")) at += 1;
  }
  if (at === start) throw new ParseError(`the patch names ${path}, but says nothing else about it`);
  return at;
}
