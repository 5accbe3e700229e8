import { encodeJson, type JsonValue } from "./json.ts";

/**
 * Matches control characters (C0, DEL, C1), characters that reorder or hide text (bidi, zero width), private
 * use, unassigned ones, lone surrogates, line separators, and letters without a shape.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

const NAMED: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * Makes a line safe for a terminal or a log: nothing in it moves the cursor, hides or reorders other text, or
 * begins a new line. Characters that are not printable become escapes: `\n`, `\x1b`, `\u202e`. Doing it twice
 * changes nothing more.
 */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped);

/** Returns the beginning of a foreign text, printable. @param max the largest length in characters. */
export function excerpt(text: string, max = 200): string {
  const short = [...text.slice(0, 2 * max)];
  const cut = short.length > max || text.length > 2 * max;
  return printable(cut ? `${short.slice(0, max).join("")}…` : text);
}

/** Writes compact JSON that is safe for a terminal: the same document, with escapes in its strings. */
export const printableJson = (value: JsonValue): string =>
  new TextDecoder().decode(encodeJson(value)).replace(UNPRINTABLE, (character) =>
    character
      .split("")
      .map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`)
      .join(""),
  );

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xffff) return `\\u{${hex(code, 1)}}`;
  return NAMED.get(character) ?? (code > 0xff ? `\\u${hex(code, 4)}` : `\\x${hex(code, 2)}`);
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, "0");
