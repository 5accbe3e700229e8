import { ParseError } from "../errors.ts";

// KSYM_NAME_LEN: the kernel loads no module with a longer symbol. Many entries may share one string of a hostile file.
export const MAX_STRING = 512;

/**
 * The NUL-terminated string at `at` of a string table, each byte a character (symbol names are ASCII in practice,
 * and Latin-1 loses nothing of one that is not). Throws ParseError outside of the table or without an end.
 */
export function stringAt(table: Uint8Array, at: number, what: string): string {
  const end = at < table.length ? table.indexOf(0, at) : -1;
  if (end < 0 || end - at > MAX_STRING) {
    throw new ParseError(`${what}: no string of at most ${MAX_STRING} bytes at ${at} of ${table.length}`);
  }
  return latin1(table.subarray(at, end));
}

/** Characters made by one call: as its arguments they all lie on the stack. */
const PIECE = 4096;

/** One character for each byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return text;
}
