import { Decompress, decompress } from "fzstd";
import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";

export const ZSTD_MAGIC = 0xfd2fb528;
const CHECKSUM = 0x04; // this and the next are bits of the descriptor in the frame header
const SINGLE_SEGMENT = 0x20;
const CHECKSUM_LENGTH = 4;
const RLE_BLOCK = 1;
const CONTENT_SIZE_LENGTHS = [0, 2, 4, 8] as const;
const DICTIONARY_ID_LENGTHS = [0, 1, 2, 4] as const;

/**
 * Unpacks one Zstandard frame (RFC 8878). The whole output is the decoder's window. It is allocated here, so
 * that no size in the frame is believed. The decoder drops what would go past the output's end, and what is
 * missing stays zero: a kernel ends in its relocation table, which then does not parse. (The decoder's
 * streaming mode allocates the frame's window and moves all of it for every block: 9 s for a kernel instead
 * of 2.) The checksum of the frame is not verified.
 * @param size the length of the whole output in bytes, which the caller has checked against a limit.
 * @throws ParseError
 */
export function decompressZstd(bytes: Uint8Array, size: number): Uint8Array {
  zstdWindow(bytes, size);
  try {
    return decompress(bytes, new Uint8Array(size));
  } catch (cause) {
    // The decoder reports damage by errors of its own or, on unusual input, by RangeError or TypeError.
    throw new ParseError("zstd: the data is damaged", { cause });
  }
}

/** The number of bytes that the decoder gets at a time. */
const PIECE = 64 * 1024;
/**
 * The largest window accepted. `zstd --ultra -22` uses 128 MiB, packages use 8. The streaming decoder
 * allocates what a frame says.
 */
const MAX_WINDOW = 128 << 20;

/**
 * Unpacks one frame in pieces, for contents that are too large to be held at once or whose size is unknown.
 * @param maxSize the most bytes that the caller takes.
 * @throws ParseError
 * @throws RebootlessError `limit` for a window that is larger than any in use.
 */
export function* zstdChunks(bytes: Uint8Array, maxSize: number): Generator<Uint8Array, void> {
  const window = zstdWindow(bytes, maxSize);
  if (window > MAX_WINDOW) {
    throw new RebootlessError("limit", `zstd: a window of ${window} bytes, at most ${MAX_WINDOW}`);
  }
  let out: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => out.push(chunk));
  for (let at = 0; at < bytes.length; at += PIECE) {
    out = [];
    try {
      decoder.push(bytes.subarray(at, at + PIECE), at + PIECE >= bytes.length);
    } catch (cause) {
      throw new ParseError("zstd: the data is damaged", { cause });
    }
    yield* out;
  }
}

/**
 * Returns the window that a frame asks for, after walking its block headers: there must be one whole frame
 * and nothing behind it. With many small frames the decoder would start over at the start of the output for
 * each, and a few bytes of input would cost it megabytes of work.
 * @param size the most bytes that may come out.
 * @throws ParseError
 */
function zstdWindow(bytes: Uint8Array, size: number): number {
  const reader = new ByteReader(bytes, "zstd frame");
  if (reader.u32() !== ZSTD_MAGIC) throw new ParseError("not a zstd frame");
  const descriptor = reader.u8();
  const window = readWindow(reader, descriptor);
  let repeated = 0;
  for (let last = false; !last; ) {
    const header = reader.u16() | (reader.u8() << 16);
    const isRepeat = ((header >> 1) & 3) === RLE_BLOCK;
    last = (header & 1) !== 0;
    reader.skip(isRepeat ? 1 : header >> 3);
    if (isRepeat) repeated += header >> 3;
    if (repeated > size) throw new ParseError(`zstd: more than the ${size} bytes announced`);
  }
  if (reader.remaining !== ((descriptor & CHECKSUM) !== 0 ? CHECKSUM_LENGTH : 0)) {
    throw new ParseError(`zstd: ${counted(reader.remaining, "byte")} after the last block`);
  }
  return window;
}

/**
 * Reads the rest of the frame header (3.1.1.1). If it has no window of its own, the content's size is the
 * window.
 */
function readWindow(reader: ByteReader, descriptor: number): number {
  const single = (descriptor & SINGLE_SEGMENT) !== 0;
  const code = single ? undefined : reader.u8();
  reader.skip(DICTIONARY_ID_LENGTHS[descriptor & 3] ?? 0);
  const length = CONTENT_SIZE_LENGTHS[descriptor >> 6] || (single ? 1 : 0);
  const size = reader.take(length).reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
  if (code === undefined) return size;
  const base = 2 ** (10 + (code >> 3));
  return base + (base / 8) * (code & 7);
}
