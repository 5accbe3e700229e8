import { ByteReader } from "../../shared/byte_reader.ts";
import { counted } from "../../shared/counted.ts";
import { ParseError } from "../../shared/errors.ts";

export const LZ4_LEGACY_MAGIC = 0x184c2102;
const BLOCK_LIMIT = 8 << 20; // the legacy frame's fixed block size
const MIN_MATCH = 4;
const LONG = 15; // a length nibble of 15 is continued in the following bytes

/**
 * Unpacks an LZ4 legacy frame, the one the kernel is built with: a magic, then { u32 compressed size, block }
 * until the end (LZ4 Frame Format Description, "Legacy frame").
 * @param size the length of the whole output in bytes, already checked against a limit by the caller.
 * @throws ParseError also if the output is not exactly `size` bytes.
 */
export function decompressLz4Legacy(bytes: Uint8Array, size: number): Uint8Array {
  const reader = new ByteReader(bytes, "LZ4 legacy frame");
  if (reader.u32() !== LZ4_LEGACY_MAGIC) throw new ParseError("not an LZ4 legacy frame");
  const output = new Uint8Array(size);
  let at = 0;
  while (reader.remaining > 0) {
    const block = reader.take(reader.u32());
    at = decompressBlock(block, output, at, Math.min(size, at + BLOCK_LIMIT));
  }
  if (at !== size) throw new ParseError(`LZ4: ${counted(at, "byte")} came out, ${size} were announced`);
  return output;
}

/**
 * Unpacks one block (LZ4 Block Format Description): sequences of { token, literals, u16 distance, match },
 * the last one without its match.
 * @returns the position in `output` after the block's bytes, at most `limit`.
 */
function decompressBlock(block: Uint8Array, output: Uint8Array, start: number, limit: number): number {
  const reader = new ByteReader(block, "LZ4 block");
  let at = start;
  while (reader.remaining > 0) {
    const token = reader.u8();
    const literals = readLength(reader, token >> 4);
    need(at, literals, limit);
    output.set(reader.take(literals), at);
    at += literals;
    if (reader.remaining === 0) break;
    const distance = reader.u16();
    const length = readLength(reader, token & LONG) + MIN_MATCH;
    need(at, length, limit);
    if (distance === 0 || distance > at - start) {
      throw new ParseError(`LZ4: a match ${counted(distance, "byte")} back at ${at - start} of its block`);
    }
    copyMatch(output, at, distance, length);
    at += length;
  }
  return at;
}

function readLength(reader: ByteReader, nibble: number): number {
  if (nibble < LONG) return nibble;
  let length = nibble;
  let byte: number;
  do {
    byte = reader.u8();
    length += byte;
  } while (byte === 255);
  return length;
}

function need(at: number, count: number, limit: number): void {
  if (count > limit - at)
    throw new ParseError(`LZ4: ${count} more bytes at ${at} go past the limit ${limit}`);
}

/** Copies a match. Source and destination may overlap: a match that reaches into itself repeats. */
function copyMatch(output: Uint8Array, at: number, distance: number, length: number): void {
  if (distance >= length) {
    output.copyWithin(at, at - distance, at - distance + length);
    return;
  }
  for (let i = at; i < at + length; i++) output[i] = output[i - distance] ?? 0;
}
