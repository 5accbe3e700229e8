import { findDefinition, functionRanges, type NamedRange } from "../explain/definition.ts";
import { tokensOf } from "../layout/c_text.ts";
import { afterIncludes } from "./skeleton.ts";

/** The name that a copy of a function has. */
export const copyName = (name: string): string => `${name}_live`;

/** Returns the functions of a text some of whose lines a patch changes. */
export function changedFunctions(text: string, changed: readonly number[]): readonly NamedRange[] {
  const lines = text.split("\n");
  return functionRanges(tokensOf(text), lines).filter(({ from, to }) =>
    changed.some((line) => line >= from && line <= to),
  );
}

/** Returns the text of a function under the name of a copy, which its file alone knows. */
export function copyOf(text: string, range: NamedRange): string {
  const renamed = renameIn(linesOfRange(text, range), range.name, false);
  return /^\s*static\b/.test(renamed) ? renamed : `static ${renamed}`;
}

/**
 * Returns a copy of a function of a .c file, with copies of the static functions and constants of that file that it
 * needs, and with the file's includes. Variables are left out: a copy of one would not be the one that the kernel uses.
 */
export function copyWithNeeds(text: string, range: NamedRange): string {
  const lines = text.split("\n");
  const tokens = tokensOf(text);
  const needed = new Map([[range.name, range]]);
  for (const { name: user, from, to } of needed.values()) {
    const words = new Set(tokens.filter(({ line }) => line >= from && line <= to).map((token) => token.text));
    for (const name of words) {
      if (name === user || needed.has(name) || needed.size > MAX_NEEDED || !isStatic(text, name)) continue;
      const found = findDefinition(tokens, lines, name);
      const isWhole = found?.kind === "defined" && (found.to < range.from || found.from > range.to);
      if (found !== undefined && isWhole) needed.set(name, { name, from: found.from, to: found.to });
    }
  }
  const sorted = [...needed.values()].sort((a, b) => a.from - b.from);
  const code = sorted.map((one) => copyOf(text, one)).join("\n\n");
  const includes = lines.filter((line) => /^#include </.test(line));
  return [
    ...includes,
    ...sorted.reduce((all, { name }) => renameIn(all, name, false), code).split("\n"),
  ].join("\n");
}

/** The most functions and constants that a copy takes with it. */
const MAX_NEEDED = 16;

/** Reports whether a file has a static function or constant of a name. */
const isStatic = (text: string, name: string): boolean =>
  /^[A-Za-z_]\w*$/.test(name) &&
  text.split("\n").some((line, at, all) => {
    if (!line.startsWith("static ")) return false;
    const head = `${line} ${all[at + 1] ?? ""}`.split(/[={]/, 1)[0] ?? "";
    const isMeant = new RegExp(`\\b${name}\\b`).test(head);
    return isMeant && (new RegExp(`\\b${name}\\s*\\(`).test(head) || /^static (?:\w+ )*?const\b/.test(line));
  });

const linesOfRange = (text: string, { from, to }: NamedRange): string =>
  text
    .split("\n")
    .slice(from - 1, to)
    .join("\n");

/** Puts a copy into a file that calls the function, and has the file call it. */
export function withCopy(text: string, name: string, copy: string): string {
  const comment = `/* A copy of ${name}(), because the kernel's own cannot be replaced. */`;
  return afterIncludes(renameIn(text, name, true), `${comment}\n${copy}`);
}

/** Reports whether a file calls a function, or may do so. */
export const calls = (text: string, name: string): boolean =>
  text.includes(name) && renameIn(text, name, true) !== text;

/** Renames a function where it stands in code, and not in comments and strings. @param isCall only where it is called. */
function renameIn(text: string, name: string, isCall: boolean): string {
  const word = `\\b${name}\\b${isCall ? "(?=\\s*\\()" : ""}`;
  const skipped = "/\\*[^]*?\\*/|//[^\\n]*|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])*'";
  return text.replaceAll(new RegExp(`${skipped}|${word}`, "g"), (found) =>
    found === name ? copyName(name) : found,
  );
}
