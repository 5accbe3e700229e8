import { printable } from "../../../shared/printable.ts";

/**
 * Returns a foreign text of one line as a page shows it: nothing in it hides or reorders other text. Tabs stay, because
 * source is indented with them.
 */
export const shownText = (text: string): string => text.split("\t").map(printable).join("\t");

/** Returns the text that Latin-1 bytes stand for, which is UTF-8 in patches and in the kernel's source. */
export const decodedText = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8");

/** The kind of a line of a patch. */
export type PatchLineKind = "add" | "cut" | "head" | "file" | "plain";

/** A line of a patch, and what it is. */
export interface PatchLine {
  readonly kind: PatchLineKind;
  readonly text: string;
}

const HUNK = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;

/**
 * Tells the lines of a patch apart: in a hunk, which is as long as its head says, a line with a plus was added and one
 * with a minus removed; outside of hunks, the lines are a message or name a file.
 */
export function patchLines(latin1: string): readonly PatchLine[] {
  let [before, after] = [0, 0];
  return decodedText(latin1)
    .replace(/\n$/, "")
    .split("\n")
    .map((line): PatchLine => {
      const text = shownText(line.replace(/\r$/, ""));
      if (before > 0 || after > 0) {
        const mark = line[0] ?? " ";
        if (mark === "\\") return { kind: "plain", text };
        if (mark !== "+") before -= 1;
        if (mark !== "-") after -= 1;
        return { kind: mark === "+" ? "add" : mark === "-" ? "cut" : "plain", text };
      }
      const [hunk, old = "1", now = "1"] = HUNK.exec(line) ?? [];
      if (hunk !== undefined) {
        [before, after] = [Number(old), Number(now)];
        return { kind: "head", text };
      }
      return { kind: /^(?:diff |--- |\+\+\+ |Index: )/.test(line) ? "file" : "plain", text };
    });
}
