import { TEXT_OFFSETS } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { counted } from "../../counted.ts";
import { ParseError, RebootlessError } from "../../errors.ts";
import { type FunctionFingerprint, MAX_FUNCTION_SIZE } from "../fingerprint.ts";
import { FOLDED_BLOCK, locatorLength } from "../locator.ts";
import { pushVarint, readVarint } from "./varint.ts";

/** The most functions of a file. Distributions' kernels have up to 122,000. */
export const MAX_FILE_FUNCTIONS = 1_000_000;

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
  /** The number of each function's digest among the digests of the file. */
  readonly digests: Uint32Array;
  /** How many digests there are. */
  readonly distinct: number;
}

/**
 * Writes the number of functions. Then come, for each function, its distance from the end of the one before, its size, the number of bytes of its
 * sites, and how many functions before it one has the same digest; 0 if none has.
 */
export function encodeFunctionIndex(
  functions: readonly Pick<FunctionFingerprint, "name" | "offset" | "size">[],
  siteBytes: readonly number[],
  digests: readonly string[],
): Uint8Array {
  const out: number[] = [];
  pushVarint(out, functions.length);
  const last = new Map<string, number>();
  let end = 0;
  functions.forEach(({ name, offset, size }, i) => {
    if (offset < end) throw new ParseError(`${name} lies before the end of the function before it`);
    pushVarint(out, offset - end);
    pushVarint(out, size);
    pushVarint(out, siteBytes[i] ?? 0);
    const digest = digests[i] ?? "";
    pushVarint(out, i - (last.get(digest) ?? i));
    last.set(digest, i);
    end = offset + size;
  });
  return Uint8Array.from(out);
}

/**
 * Reads the index.
 * @param ownDigests in a file of an earlier version, the number of functions, of which each has a digest of its own.
 * @throws ParseError unless functions rise, do not overlap, and lie within the reach of offsets from `_text`.
 * @throws RebootlessError `limit`
 */
export function decodeFunctionIndex(bytes: Uint8Array, ownDigests?: number): FunctionIndex {
  const reader = new ByteReader(bytes, "index of a fingerprint file");
  const count = ownDigests ?? readVarint(reader);
  if (count > bytes.length) throw new ParseError(`the index of a fingerprint file has no ${count} functions`);
  if (count > MAX_FILE_FUNCTIONS) {
    throw new RebootlessError("limit", `a fingerprint file of ${count} functions, at most ${MAX_FILE_FUNCTIONS}`);
  }
  const offsets = new Uint32Array(count);
  const sizes = new Uint32Array(count);
  const locators = new Uint32Array(count + 1);
  const sites = new Uint32Array(count + 1);
  const digests = new Uint32Array(count);
  let distinct = 0;
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
    const back = ownDigests === undefined ? readVarint(reader) : 0;
    if (back > i) throw new ParseError(`function ${i} of a fingerprint file has the digest of none`);
    digests[i] = back === 0 ? distinct++ : (digests[i - back] ?? 0);
  }
  if (reader.remaining > 0)
    throw new ParseError("the index of a fingerprint file goes on after its last function");
  return { count, offsets, sizes, locators, sites, digests, distinct };
}
