import { encodeJson, type JsonValue } from "./json.ts";

/**
 * Controls (C0, DEL, C1), what reorders or hides text (bidi, zero width), private use, unassigned, lone surrogates,
 * separators of lines, and letters that have no shape.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

const NAMED: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * A line as a terminal or a log may have it: nothing in it moves the cursor, hides or reorders other text, or begins a
 * new line. What is not printable stands there as an escape: `\n`, `\x1b`, `\u202e`. Text that went through once stays as it is.
 */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped);

/** The beginning of what somebody else wrote, printable. @param max in characters. */
export function excerpt(text: string, max = 200): string {
  const short = [...text.slice(0, 2 * max)];
  const cut = short.length > max || text.length > 2 * max;
  return printable(cut ? `${short.slice(0, max).join("")}…` : text);
}

/** Compact JSON that a terminal may have: the same document, with escapes in its strings. */
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
