import { TEXT_OFFSETS } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { counted } from "../../counted.ts";
import { ParseError, RebootlessError } from "../../errors.ts";
import { type FunctionFingerprint, MAX_FUNCTION_SIZE } from "../fingerprint.ts";
import { pushVarint, readVarint } from "./varint.ts";

/** The most functions of a file. Distributions' kernels have up to 122,000. */
export const MAX_FILE_FUNCTIONS = 1_000_000;

/** The place of each function in memory, and of its data in the other parts of the file. */
export interface FunctionIndex {
  readonly count: number;
  readonly offsets: Uint32Array;
  readonly sizes: Uint32Array;
  /** The places in `sites` where each function's bytes begin, and one more where the last one's end. */
  readonly sites: Uint32Array;
  /** The number of each function's digest among the digests of the file. */
  readonly digests: Uint32Array;
  /** How many digests there are. */
  readonly distinct: number;
}

/**
 * Writes the number of functions. Then come, for each function: its size; its distance from the end of the function
 * before, if that is not 0; the number of bytes of its sites; and how many functions before it the last one with the same
 * digest is, if there is one. Numbers that another one may follow are doubled, and 1 is added if it follows.
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
    const digest = digests[i] ?? "";
    pushPair(out, size, offset - end);
    pushPair(out, siteBytes[i] ?? 0, i - (last.get(digest) ?? i));
    last.set(digest, i);
    end = offset + size;
  });
  return Uint8Array.from(out);
}

function pushPair(out: number[], value: number, second: number): void {
  pushVarint(out, 2 * value + Number(second > 0));
  if (second > 0) pushVarint(out, second);
}

/** What the index says about one function. */
interface Entry {
  size: number;
  distance: number;
  siteBytes: number;
  /** How many functions before it one has the same digest, or 0. */
  back: number;
}

function readEntry(reader: ByteReader, into: Entry): void {
  const size = readVarint(reader);
  into.distance = size % 2 === 0 ? 0 : readSecond(reader);
  into.size = (size - (size % 2)) / 2;
  const siteBytes = readVarint(reader);
  into.back = siteBytes % 2 === 0 ? 0 : readSecond(reader);
  into.siteBytes = (siteBytes - (siteBytes % 2)) / 2;
}

function readSecond(reader: ByteReader): number {
  const value = readVarint(reader);
  if (value > 0) return value;
  throw new ParseError(
    `the index of a fingerprint file has a 0 before ${reader.position} that is left out elsewhere`,
  );
}

/** Reads an entry of versions 1 and 2, which have a digest for each function. */
function readOldEntry(reader: ByteReader, into: Entry): void {
  into.distance = readVarint(reader);
  into.size = readVarint(reader);
  into.siteBytes = readVarint(reader);
}

/**
 * Reads the index.
 * @param ownDigests in a file of an earlier version, the number of functions, of which each has a digest of its own.
 * @throws ParseError unless functions rise, do not overlap, and lie within the reach of offsets from `_text`.
 * @throws RebootlessError `limit`
 */
export function decodeFunctionIndex(bytes: Uint8Array, ownDigests?: number): FunctionIndex {
  const reader = new ByteReader(bytes, "index of a fingerprint file");
  const count = requireCount(ownDigests ?? readVarint(reader), bytes.length);
  const read = ownDigests === undefined ? readEntry : readOldEntry;
  const entry: Entry = { size: 0, distance: 0, siteBytes: 0, back: 0 };
  const offsets = new Uint32Array(count);
  const sizes = new Uint32Array(count);
  const sites = new Uint32Array(count + 1);
  const digests = new Uint32Array(count);
  let distinct = 0;
  let end = 0;
  let siteEnd = 0;
  for (let i = 0; i < count; i++) {
    read(reader, entry);
    const { size, back } = entry;
    const offset = end + entry.distance;
    end = offset + size;
    siteEnd += entry.siteBytes;
    if (size === 0 || size > MAX_FUNCTION_SIZE || end > TEXT_OFFSETS || siteEnd >= TEXT_OFFSETS) {
      throw new ParseError(`function ${i} of a fingerprint file: ${counted(size, "byte")} at ${offset}`);
    }
    if (back > i) throw new ParseError(`function ${i} of a fingerprint file has the digest of none`);
    offsets[i] = offset;
    sizes[i] = size;
    sites[i + 1] = siteEnd;
    digests[i] = back === 0 ? distinct++ : (digests[i - back] ?? 0);
  }
  if (reader.remaining > 0)
    throw new ParseError("the index of a fingerprint file goes on after its last function");
  return { count, offsets, sizes, sites, digests, distinct };
}

/** Refuses a number of functions before memory is taken for them. */
function requireCount(count: number, indexBytes: number): number {
  if (count > indexBytes) throw new ParseError(`the index of a fingerprint file has no ${count} functions`);
  if (count <= MAX_FILE_FUNCTIONS) return count;
  throw new RebootlessError(
    "limit",
    `a fingerprint file of ${count} functions, at most ${MAX_FILE_FUNCTIONS}`,
  );
}
