import { createHash } from "node:crypto";

/** Code that an author can begin with where a patch is refused. All of it compiles. */
export interface Skeleton {
  /** The name of the file that it is written to, beside the report. */
  readonly file: string;
  /** The text, as Latin-1. */
  readonly text: string;
}

/** What was made to help with refusals, and sentences about what it is, and about what could not be made. */
export interface MadeSkeletons {
  readonly skeletons: readonly Skeleton[];
  readonly notes: readonly string[];
}

/** A file of the source as it is, and as a skeleton has it. The texts are Latin-1. */
export interface EditedFile {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** Returns the part of a file's name that stands for a symbol or a type, which may have any characters. */
export function fileStem(name: string): string {
  const stem = name
    .replace(/^(?:struct|union|enum) /, "")
    .replaceAll(/\W+/g, "_")
    .slice(0, 60);
  return stem === name || /^(?:struct|union|enum) \w{1,60}$/.test(name)
    ? stem
    : `${stem}_${createHash("sha256").update(name).digest("hex").slice(0, 6)}`;
}

/** Inserts lines after the last `#include` that no `#if` encloses; at the start of a file without any. */
export function afterIncludes(text: string, inserted: string): string {
  const lines = text.split("\n");
  let [depth, last] = [0, 0];
  for (const [at, line] of lines.entries()) {
    if (/^\s*#\s*if/.test(line)) depth++;
    if (/^\s*#\s*endif/.test(line)) depth--;
    if (depth === 0 && /^\s*#\s*include\b/.test(line)) last = at + 1;
  }
  return insertedAt(lines, last, inserted);
}

/** Inserts lines after so many lines of a file. */
export const insertedAt = (lines: readonly string[], count: number, inserted: string): string =>
  [...lines.slice(0, count), "", inserted, ...lines.slice(count)].join("\n");
