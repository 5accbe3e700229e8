import { ByteReader } from "../byte_reader.ts";
import { equalBytes } from "../bytes.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { bytes, struct, u32 } from "../struct.ts";
import { undoBcjX86 } from "./bcj_x86.ts";
import { type Checksum, crc32, crc64 } from "./crc.ts";
import { LzmaWindow } from "./lzma_window.ts";
import { lzma2Chunks, MAX_CHUNK } from "./lzma2.ts";

/*
 * A reader of the .xz file format 1.1 (tukaani.org/xz/xz-file-format.txt): one stream of blocks, each LZMA2, alone or
 * behind the x86 filter. A kernel, the modules of a package and the data of a package are such files.
 *
 * It is written here so that hosts need no program for it (the image of a small host may have no xz, and data from
 * a mirror or a package is not passed to a program of the host), and so that its use of memory is bounded: the
 * dictionary, the integers and the whole output have limits, and nothing that a header announces is believed
 * before it is there. Doubtful files are refused: those with streams that follow each other, with padding behind a
 * stream, or with anything in a field that the format reserves.
 */

export const XZ_MAGIC = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);
const FOOTER_MAGIC = Uint8Array.of(0x59, 0x5a);
/**
 * The stream header and footer, sections 2.1.1 and 2.1.2. The CRC of the header covers its flags, that of the
 * footer covers its size and flags.
 */
const STREAM_HEADER = struct(12, { magic: bytes(0, 6), flags: bytes(6, 2), crc: bytes(8, 4) });
const STREAM_FOOTER = struct(12, {
  crc: bytes(0, 4),
  backwardSize: u32(4),
  flags: bytes(8, 2),
  magic: bytes(10, 2),
});
const FILTER = { x86: 4, lzma2: 0x21 } as const;
/** The dictionary of `xz -9`, the largest that is accepted. The kernel's build uses 32 MiB. */
export const MAX_DICTIONARY = 64 << 20;
const MAX_FILTERS = 4;
const MAX_INTEGER_BYTES = 5; // 2^35, past every limit here
const HAS_PACKED_SIZE = 0x40;
const HAS_SIZE = 0x80;
const RESERVED_FLAGS = 0x3c;

interface Check {
  /** In bytes. */
  readonly length: number;
  /** Begins the computation of a check that is verified. */
  readonly make?: () => Checksum;
}

const CHECKS: ReadonlyMap<number, Check> = new Map([
  [0, { length: 0 }],
  [1, { length: 4, make: crc32 }],
  [4, { length: 8, make: crc64 }],
]);
/** The number of the check that rpm asks for. */
const SHA256_CHECK = 10;
const SHA256_LENGTH = 32;

function checkOf(kind: number, sha256: (() => Checksum) | undefined): Check {
  if (kind === SHA256_CHECK && sha256 !== undefined) return { length: SHA256_LENGTH, make: sha256 };
  const check = CHECKS.get(kind);
  if (check !== undefined) return check;
  throw new RebootlessError("unsupported", `xz: a check of kind ${kind} is not handled`);
}

interface Block {
  readonly dictionary: number;
  readonly isFiltered: boolean;
  /** Bytes of the compressed data, and of what comes out of it, where the header says so. */
  readonly packedSize: number | undefined;
  readonly size: number | undefined;
}

/**
 * Yields the contents of an .xz file in pieces, each valid until the next is drawn. Filtered data comes in
 * one piece.
 * @param maxSize the limit for all pieces together. One piece, of at most 2 MiB, may go past it before the
 * error.
 * @param sha256 begins a SHA-256. Without it, files with that check are refused.
 * @throws ParseError
 * @throws RebootlessError `limit`
 * @throws RebootlessError `unsupported` for filters and checks that kernels do not use.
 */
export function* xzChunks(
  file: Uint8Array,
  maxSize: number,
  sha256?: () => Checksum,
): Generator<Uint8Array, void> {
  const header = STREAM_HEADER.view(file, "xz");
  if (!equalBytes(header("magic"), XZ_MAGIC)) throw new ParseError("not an xz file");
  const flags = header("flags");
  requireSum(flags, header("crc"));
  const reader = new ByteReader(file, "xz", STREAM_HEADER.size);
  if (flags[0] !== 0) throw new RebootlessError("unsupported", "xz: reserved flags are set");
  const check = checkOf(flags[1] ?? 0, sha256);
  const records: (readonly [number, number])[] = [];
  let total = 0;
  let window: LzmaWindow | undefined;
  let capacity = 0;
  while (reader.bytes[reader.position] !== 0) {
    const start = reader.position;
    const block = blockHeader(reader);
    if (window === undefined || block.dictionary > capacity) {
      capacity = block.dictionary;
      // More than the limit never comes out, but for the chunk that goes past it.
      const kept = Math.min(capacity, maxSize + MAX_CHUNK);
      window = new LzmaWindow(kept, kept + MAX_CHUNK);
    }
    const sum = check.make?.();
    let size = 0;
    const dataStart = reader.position;
    for (const piece of pieces(reader, window, block, maxSize - total)) {
      size += piece.length;
      if (total + size > maxSize) throw new RebootlessError("limit", `xz: more than ${maxSize} bytes`);
      sum?.update(piece);
      yield piece;
    }
    const packed = reader.position - dataStart;
    if (packed !== (block.packedSize ?? packed) || size !== (block.size ?? size))
      throw new ParseError("xz: a block is not as long as its header says");
    const unpadded = reader.position - start + check.length;
    skipZeros(reader, -packed & 3);
    const found = reader.take(check.length);
    if (sum !== undefined && !equalBytes(found, sum.value()))
      throw new ParseError("xz: the checksum is not that of the data");
    total += size;
    records.push([unpadded, size]);
  }
  readIndex(reader, records, flags);
}

function* pieces(
  reader: ByteReader,
  window: LzmaWindow,
  block: Block,
  room: number,
): Generator<Uint8Array, void> {
  const chunks = lzma2Chunks(reader, window);
  if (!block.isFiltered) return yield* chunks;
  const whole = gather(chunks, room);
  undoBcjX86(whole);
  yield whole;
}

/** Joins all pieces into one. @throws RebootlessError `limit` past `maxSize`. */
export function gather(chunks: Iterable<Uint8Array>, maxSize: number): Uint8Array {
  let bytes = new Uint8Array(Math.min(maxSize, MAX_CHUNK));
  let size = 0;
  for (const chunk of chunks) {
    if (size + chunk.length > maxSize)
      throw new RebootlessError("limit", `more than ${maxSize} bytes unpacked`);
    if (size + chunk.length > bytes.length) {
      const larger = new Uint8Array(Math.min(maxSize, Math.max(2 * bytes.length, size + chunk.length)));
      larger.set(bytes.subarray(0, size));
      bytes = larger;
    }
    bytes.set(chunk, size);
    size += chunk.length;
  }
  return bytes.subarray(0, size);
}

/** Reads a block header (section 3.1): { size, flags, [packed size], [size], filters, padding, CRC-32 }. */
function blockHeader(outer: ByteReader): Block {
  const length = ((outer.bytes[outer.position] ?? 0) + 1) * 4;
  const header = outer.take(length - 4);
  requireSum(header, outer.take(4));
  const reader = new ByteReader(header, "xz block header", 1);
  const flags = reader.u8();
  if ((flags & RESERVED_FLAGS) !== 0)
    throw new RebootlessError("unsupported", "xz: a block of a later format");
  const packedSize = (flags & HAS_PACKED_SIZE) === 0 ? undefined : integer(reader);
  const size = (flags & HAS_SIZE) === 0 ? undefined : integer(reader);
  const filters = Array.from({ length: (flags & (MAX_FILTERS - 1)) + 1 }, () => {
    const id = integer(reader);
    return { id, properties: reader.take(integer(reader)) };
  });
  skipZeros(reader, reader.remaining);
  const last = filters.at(-1);
  const filter = filters.length === 2 ? filters[0] : undefined;
  const isKnown =
    last?.id === FILTER.lzma2 &&
    last.properties.length === 1 &&
    (filters.length === 1 || (filter?.id === FILTER.x86 && filter.properties.length === 0));
  if (!isKnown) {
    const ids = filters.map(({ id }) => `0x${id.toString(16)}`).join(", ");
    throw new RebootlessError("unsupported", `xz: filters ${ids} are not handled`);
  }
  const dictionary = dictionarySize(last.properties[0] ?? 0);
  return { dictionary, isFiltered: filter !== undefined, packedSize, size };
}

/** Returns the dictionary's size, which is 2 or 3 times a power of 2. */
function dictionarySize(code: number): number {
  const size = code > 40 ? Number.POSITIVE_INFINITY : (2 | (code & 1)) * 2 ** (Math.floor(code / 2) + 11);
  if (size <= MAX_DICTIONARY) return size;
  throw new RebootlessError(
    "limit",
    `xz: a dictionary of code ${code}, at most ${MAX_DICTIONARY} bytes are allowed`,
  );
}

/** Reads the index, which names every block again, then the footer and the end of the file. */
function readIndex(
  reader: ByteReader,
  blocks: readonly (readonly [number, number])[],
  flags: Uint8Array,
): void {
  const start = reader.position;
  reader.skip(1);
  const isSame =
    integer(reader) === blocks.length &&
    blocks.every(([unpadded, size]) => integer(reader) === unpadded && integer(reader) === size);
  if (!isSame) throw new ParseError("xz: the index does not match the blocks");
  skipZeros(reader, -(reader.position - start) & 3);
  requireSum(reader.bytes.subarray(start, reader.position), reader.take(4));
  const indexLength = reader.position - start;
  const bytes = reader.take(STREAM_FOOTER.size);
  const footer = STREAM_FOOTER.view(bytes, "xz footer");
  const { crc, magic } = STREAM_FOOTER.fields;
  const isRight =
    equalBytes(footer("crc"), crc32Of(bytes.subarray(crc.offset + crc.size, magic.offset))) &&
    (footer("backwardSize") + 1) * 4 === indexLength &&
    equalBytes(footer("flags"), flags) &&
    equalBytes(footer("magic"), FOOTER_MAGIC);
  if (!isRight || reader.remaining > 0) throw new ParseError("xz: the footer is damaged, or more follows it");
}

/** Checks that the CRC-32 of the bytes is the one in the file. @throws ParseError */
function requireSum(bytes: Uint8Array, sum: Uint8Array): void {
  if (!equalBytes(sum, crc32Of(bytes))) throw new ParseError("xz: a header is damaged");
}

function crc32Of(bytes: Uint8Array): Uint8Array {
  const sum = crc32();
  sum.update(bytes);
  return sum.value();
}

function skipZeros(reader: ByteReader, count: number): void {
  if (reader.take(count).some((byte) => byte !== 0)) throw new ParseError("xz: padding that is not zero");
}

/**
 * Reads a number (section 1.2) of 7 bits in each byte, the lowest first, with no byte more than it needs.
 */
function integer(reader: ByteReader): number {
  let value = 0;
  for (let i = 0; i < MAX_INTEGER_BYTES; i++) {
    const byte = reader.u8();
    if (byte === 0 && i > 0) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  throw new ParseError("xz: a number that is too large, or longer than it needs");
}
