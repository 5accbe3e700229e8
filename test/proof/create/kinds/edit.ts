import type { Edit } from "./kind.ts";

/** The text with our lines in it. Throws if an edit has no place in it. */
export const edited = (text: string, edits: readonly Edit[]): string =>
  edits.reduce((lines, edit) => editLines(lines, edit), text.split("\n")).join("\n");

function editLines(lines: string[], { from, at, put, lines: ours }: Edit): string[] {
  const start = from === undefined ? 0 : lines.findIndex((line) => from.test(line));
  const index = start < 0 ? -1 : lines.findIndex((line, i) => i >= start && at.test(line));
  if (index < 0) throw new Error(`the source has no line ${at} after ${from ?? "its start"}`);
  const place = put === "after" ? index + 1 : index;
  return lines.toSpliced(place, put === "instead" ? 1 : 0, ...ours);
}
