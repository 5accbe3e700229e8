import { ParseError } from "./errors.ts";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();
// ignoreBOM keeps a byte order mark as a character, because decoding must lose nothing.
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/**
 * Decodes UTF-8 strictly, so that text and bytes convert to each other without loss.
 * @throws ParseError on anything that is not well-formed UTF-8.
 */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new ParseError("not well-formed UTF-8", { cause });
  }
}

/** The number of bytes decoded at a time when only their form is checked. */
const PIECE = 65_536;

/**
 * Checks that bytes are well-formed UTF-8, without making a text of the whole.
 * @throws ParseError as `fromUtf8` does.
 */
export function requireUtf8(bytes: Uint8Array): void {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    for (let at = 0; at < bytes.length; at += PIECE) {
      decoder.decode(bytes.subarray(at, at + PIECE), { stream: true });
    }
    decoder.decode();
  } catch (cause) {
    throw new ParseError("not well-formed UTF-8", { cause });
  }
}

/** Writes the bytes from `start` to `end` in hex. Both must lie within the array. */
export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let out = "";
  for (let i = start; i < end; i++) out += HEX[bytes[i] ?? 0];
  return out;
}

/** Reads lower-case hex of even length. @throws ParseError on anything else. */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new ParseError("not lower-case hex of even length");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = digit(text.charCodeAt(2 * i)) * 16 + digit(text.charCodeAt(2 * i + 1));
  }
  return bytes;
}

/** Returns the value of a hex digit, `0` to `9` or `a` to `f`. */
const digit = (unit: number): number => (unit < 0x61 ? unit - 0x30 : unit - 0x61 + 10);

/** Writes standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Reads standard base64 with padding, in its canonical form (no spare bits, no white space).
 * @throws ParseError on anything else.
 */
export function fromBase64(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new ParseError("not base64", { cause });
  }
  const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  if (toBase64(bytes) !== text) throw new ParseError("not canonical base64");
  return bytes;
}

/** Compares public values only, because it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Joins a list of any length. Some 120,000 parts as arguments of one call would overflow the stack. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
