/*
 * Texts of JSON documents as UTF-8 bytes, with and without escapes. A file of many megabytes that is sent as
 * a text never becomes a JavaScript string, which would take as much memory again, or twice as much if one
 * letter lies beyond Latin-1.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
/** The first code that is not a control character. JSON writes those only as escapes. */
const SPACE = 0x20;

/**
 * The escapes of one letter: the byte that a letter stands for, and the letter that stands for a byte. 0
 * means no escape.
 */
const MEANING = new Uint8Array(256);
const LETTER = new Uint8Array(256);
for (const [letter = "", meaning = ""] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
  MEANING[letter.charCodeAt(0)] = meaning.charCodeAt(0);
  if (letter !== "/") LETTER[meaning.charCodeAt(0)] = letter.charCodeAt(0);
}
const HEX = "0123456789abcdef";

/**
 * Returns the text that a string stands for.
 * @param inside the bytes between its quotes, without control characters.
 * @returns undefined for an escape that JSON does not have, and for half of a surrogate pair.
 */
export function unescaped(inside: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(inside.length); // an escape is longer than the text it stands for
  let length = 0;
  for (let at = 0; at < inside.length; at++) {
    const byte = inside[at] ?? 0;
    if (byte !== BACKSLASH) {
      out[length++] = byte;
      continue;
    }
    const letter = inside[++at] ?? 0;
    if (letter !== LETTER_U) {
      const meaning = MEANING[letter] ?? 0;
      if (meaning === 0) return undefined;
      out[length++] = meaning;
      continue;
    }
    const code = codePoint(inside, at + 1);
    if (code < 0) return undefined;
    at += code > 0xffff ? 10 : 4;
    length += putCodePoint(out, length, code);
  }
  return out.subarray(0, length);
}

/**
 * Returns the code point of an escape, or of the two escapes of a surrogate pair; -1 for anything else.
 * @param at the position of the first hex digit.
 */
function codePoint(inside: Uint8Array, at: number): number {
  const first = hexDigits(inside, at);
  if (first < 0xd800 || first > 0xdfff) return first;
  const isPair = inside[at + 4] === BACKSLASH && inside[at + 5] === LETTER_U;
  const second = isPair ? hexDigits(inside, at + 6) : -1;
  if (first > 0xdbff || second < 0xdc00 || second > 0xdfff) return -1;
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/** Returns four hex digits as a number, or -1 if one of them is not a hex digit. */
function hexDigits(inside: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = HEX.indexOf(String.fromCharCode(inside[i] ?? 0).toLowerCase());
    if (digit < 0) return -1;
    value = 16 * value + digit;
  }
  return value;
}

/** Writes a code point as UTF-8 (RFC 3629, 3), and returns the number of bytes written. */
function putCodePoint(out: Uint8Array, at: number, code: number): number {
  if (code < 0x80) {
    out[at] = code;
    return 1;
  }
  const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  out[at] = ((0xff00 >> (more + 1)) & 0xff) | (code >> (6 * more));
  for (let i = 1; i <= more; i++) out[at + i] = 0x80 | ((code >> (6 * (more - i))) & 0x3f);
  return 1 + more;
}

/** Returns the number of bytes that a text takes as a string, with its quotes. */
export function escapedLength(text: Uint8Array): number {
  let length = 2;
  for (const byte of text) length += LETTER[byte] !== 0 ? 2 : byte < SPACE ? 6 : 1;
  return length;
}

/** Writes a text as a string with its quotes, byte for byte as JSON.stringify does. */
export function escaped(text: Uint8Array): Uint8Array {
  const out = new Uint8Array(escapedLength(text));
  let at = 0;
  out[at++] = QUOTE;
  for (const byte of text) {
    const letter = LETTER[byte] ?? 0;
    if (letter === 0 && byte >= SPACE) {
      out[at++] = byte;
      continue;
    }
    const short = letter === 0 ? `u00${HEX[byte >> 4]}${HEX[byte & 15]}` : String.fromCharCode(letter);
    out[at++] = BACKSLASH;
    for (let i = 0; i < short.length; i++) out[at++] = short.charCodeAt(i);
  }
  out[at] = QUOTE;
  return out;
}
