import { functionRanges, type NamedRange } from "../explain/definition.ts";
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
export function copyOf(text: string, { name, from, to }: NamedRange): string {
  const own = text
    .split("\n")
    .slice(from - 1, to)
    .join("\n");
  const renamed = renameIn(own, name, false);
  return /^\s*static\b/.test(renamed) ? renamed : `static ${renamed}`;
}

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
