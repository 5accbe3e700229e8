import type { ByteReader } from "../../byte_reader.ts";
import { ParseError } from "../../errors.ts";

// Numbers of the file are below 2^31, or 2^32 with a sign, which is 5 groups of 7 bits.
const MAX_GROUPS = 5;
const MAX_VALUE = 2 ** (7 * MAX_GROUPS) - 1;

/**
 * Writes a number as 7 bits in each byte, the lowest first. All bytes but the last have their highest bit
 * set.
 */
export function pushVarint(out: number[], value: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > MAX_VALUE) {
    throw new ParseError(`${value} does not fit a number of a fingerprint file`);
  }
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

/**
 * Reads a number, which must be in its shortest form so that there is only one way to write it.
 * @throws ParseError
 */
export function readVarint(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  const second = reader.u8();
  // Of the million numbers of a file, nearly all have one or two groups.
  return second < 0x80 && second > 0 ? first + 0x80 * (second - 1) : readLong(reader, first, second);
}

function readLong(reader: ByteReader, first: number, second: number): number {
  let value = (first & 0x7f) + (second & 0x7f) * 0x80;
  let byte = second;
  for (let scale = 0x4000, group = 2; byte >= 0x80 && group < MAX_GROUPS; group++, scale *= 0x80) {
    byte = reader.u8();
    value += (byte & 0x7f) * scale;
    if (byte > 0 && byte < 0x80) return value;
  }
  throw new ParseError(`a number before ${reader.position} is not in its shortest form, or too large`);
}

/** Writes a number so that small ones of either sign stay small: 0, -1, 1, -2 become 0, 1, 2, 3. */
export const pushSignedVarint = (out: number[], value: number): void =>
  pushVarint(out, value < 0 ? -2 * value - 1 : 2 * value);

export function readSignedVarint(reader: ByteReader): number {
  const value = readVarint(reader);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
