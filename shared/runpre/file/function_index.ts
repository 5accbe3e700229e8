import { TEXT_OFFSETS } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { counted } from "../../counted.ts";
import { ParseError } from "../../errors.ts";
import { type FunctionFingerprint, MAX_FUNCTION_SIZE } from "../fingerprint.ts";
import { FOLDED_BLOCK, locatorLength } from "../locator.ts";
import { pushVarint, readVarint } from "./varint.ts";

/** Where each function lies in memory, and what belongs to it in the file's other parts. */
export interface FunctionIndex {
  readonly count: number;
  readonly offsets: Uint32Array;
  readonly sizes: Uint32Array;
  /** Where in `locators` and `sites` its bytes begin; one more, where the last one's end. */
  readonly locators: Uint32Array;
  readonly sites: Uint32Array;
}

/** For each function: its distance from the end of the one before, its size, and how many bytes its sites have. */
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

/** @throws ParseError unless there are exactly `count` functions, rising and apart, within what offsets from `_text` reach. */
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
