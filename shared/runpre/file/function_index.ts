import { TEXT_OFFSETS } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { counted } from "../../counted.ts";
import { ParseError } from "../../errors.ts";
import { type FunctionFingerprint, MAX_FUNCTION_SIZE } from "../fingerprint.ts";
import { FOLDED_BLOCK, locatorLength } from "../locator.ts";
import { pushVarint, readVarint } from "./varint.ts";

/** The place of each function in memory, and of its data in the other parts of the file. */
export interface FunctionIndex {
  readonly count: number;
  readonly offsets: Uint32Array;
  readonly sizes: Uint32Array;
  /**
   * The places in `locators` and `sites` where each function's bytes begin, and one more where the last one's
   * end.
   */
  readonly locators: Uint32Array;
  readonly sites: Uint32Array;
}

/**
 * Writes for each function its distance from the end of the one before, its size, and the number of bytes of
 * its sites.
 */
export function encodeFunctionIndex(
  functions: readonly Pick<FunctionFingerprint, "name" | "offset" | "size">[],
  siteBytes: readonly number[],
): Uint8Array {
  const out: number[] = [];
  let end = 0;
  functions.forEach(({ name, offset, size }, i) => {
    if (offset < end) throw new ParseError(`${name} lies before the end of the function before it`);
    pushVarint(out, offset - end);
    pushVarint(out, size);
    pushVarint(out, siteBytes[i] ?? 0);
    end = offset + size;
  });
  return Uint8Array.from(out);
}

/**
 * Reads the index.
 * @throws ParseError unless there are exactly `count` functions, which rise, do not overlap, and lie within
 * the reach of offsets from `_text`.
 */
export function decodeFunctionIndex(bytes: Uint8Array, count: number): FunctionIndex {
  const reader = new ByteReader(bytes, "index of a fingerprint file");
  const offsets = new Uint32Array(count);
  const sizes = new Uint32Array(count);
  const locators = new Uint32Array(count + 1);
  const sites = new Uint32Array(count + 1);
  let end = 0;
  for (let i = 0; i < count; i++) {
    const offset = end + readVarint(reader);
    const size = readVarint(reader);
    const siteEnd = (sites[i] ?? 0) + readVarint(reader);
    end = offset + size;
    if (size === 0 || size > MAX_FUNCTION_SIZE || end > TEXT_OFFSETS || siteEnd >= TEXT_OFFSETS) {
      throw new ParseError(`function ${i} of a fingerprint file: ${counted(size, "byte")} at ${offset}`);
    }
    offsets[i] = offset;
    sizes[i] = size;
    locators[i + 1] = (locators[i] ?? 0) + locatorLength(size, FOLDED_BLOCK);
    sites[i + 1] = siteEnd;
  }
  if (reader.remaining > 0)
    throw new ParseError("the index of a fingerprint file goes on after its last function");
  return { count, offsets, sizes, locators, sites };
}
