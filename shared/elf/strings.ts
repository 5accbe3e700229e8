import { ParseError } from "../errors.ts";

// This is KSYM_NAME_LEN: the kernel loads no module with a longer symbol. In a hostile file many entries may
// share one string.
export const MAX_STRING = 512;

/**
 * Returns the NUL-terminated string at `at` of a string table, with one character for each byte (symbol names
 * are ASCII in practice, and Latin-1 loses nothing of one that is not).
 * @throws ParseError if the string starts outside of the table or does not end in it.
 */
export function stringAt(table: Uint8Array, at: number, what: string): string {
  const end = at < table.length ? table.indexOf(0, at) : -1;
  if (end < 0 || end - at > MAX_STRING) {
    throw new ParseError(`${what}: no string of at most ${MAX_STRING} bytes at ${at} of ${table.length}`);
  }
  return latin1(table.subarray(at, end));
}

/** The number of characters made by one call. They are its arguments, so all of them lie on the stack. */
const PIECE = 4096;

/** Decodes bytes to one character each. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return text;
}
