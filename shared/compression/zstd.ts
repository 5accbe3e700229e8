import { Decompress, decompress } from "fzstd";
import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";

export const ZSTD_MAGIC = 0xfd2fb528;
const CHECKSUM = 0x04; // bits of the frame header's descriptor
const SINGLE_SEGMENT = 0x20;
const CHECKSUM_LENGTH = 4;
const RLE_BLOCK = 1;
const CONTENT_SIZE_LENGTHS = [0, 2, 4, 8] as const;
const DICTIONARY_ID_LENGTHS = [0, 1, 2, 4] as const;

/**
 * One Zstandard frame (RFC 8878). The whole output is the decoder's window: it is allocated here, so that nothing that
 * the frame says about sizes is believed. What would go past its end is dropped by the decoder, and what is missing
 * stays zero: a kernel ends in its relocation table, which then does not parse. (The decoder's streaming mode allocates
 * the frame's window and moves all of it for every block: 9 s for a kernel instead of 2.)
 * @param size bytes of the whole output, already checked against a limit by the caller.
 * @throws ParseError. The checksum of the frame is not verified.
 */
export function decompressZstd(bytes: Uint8Array, size: number): Uint8Array {
  zstdWindow(bytes, size);
  try {
    return decompress(bytes, new Uint8Array(size));
  } catch (cause) {
    // The decoder reports damage by errors of its own and, on odd input, by RangeError or TypeError.
    throw new ParseError("zstd: the data is damaged", { cause });
  }
}

/** Bytes that go into the decoder at a time. */
const PIECE = 64 * 1024;
/** `zstd --ultra -22` uses 128 MiB; packages 8. The streaming decoder allocates what a frame says. */
const MAX_WINDOW = 128 << 20;

/**
 * One frame in pieces, for what is too large to be held at once or of a size that nobody knows.
 * @param maxSize what the caller takes. @throws ParseError; RebootlessError `limit` for a larger window than is used.
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
 * The window that a frame asks for, having walked its block headers: one frame, whole, and nothing behind it. The decoder
 * would start over at the start of the output for each of many small frames, a few bytes of input each costing it
 * megabytes of work. @param size what may come out at the most. Throws ParseError.
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

/** The rest of the frame's header (3.1.1.1). Without a window of its own the content's size is the window. */
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
