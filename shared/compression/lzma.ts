import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError } from "../errors.ts";
import { LzmaDecoder, lzmaProperties } from "./lzma_decoder.ts";
import { LzmaWindow } from "./lzma_window.ts";
import { RangeDecoder } from "./range_decoder.ts";

const UNKNOWN_SIZE = 0xffff_ffff_ffff_ffffn;

/**
 * The .lzma format, older than .xz: { properties, u32 dictionary, u64 size or all ones, data }.
 * @param size bytes of the whole output, already checked against a limit by the caller.
 * @throws ParseError, also when the output is not exactly `size` bytes.
 */
export function decompressLzma(bytes: Uint8Array, size: number): Uint8Array {
  const reader = new ByteReader(bytes, "LZMA header");
  const decoder = new LzmaDecoder(lzmaProperties(reader.u8()));
  reader.skip(4); // the whole output is the dictionary
  const announced = reader.u64();
  if (announced !== UNKNOWN_SIZE && announced !== BigInt(size)) {
    throw new ParseError(
      `LZMA: ${counted(announced, "byte")} announced in the header, ${size} behind the data`,
    );
  }
  const range = new RangeDecoder(bytes, reader.position);
  const window = new LzmaWindow(size, size);
  const isEnded = decoder.decode(range, window, size);
  // Without a size in the header an end marker follows the last byte.
  const hasMarker = isEnded || (announced === UNKNOWN_SIZE && decoder.isAtEnd(range, window));
  if (window.at !== size || hasMarker !== (announced === UNKNOWN_SIZE)) {
    throw new ParseError(`LZMA: ${counted(window.at, "byte")} came out, ${size} were announced`);
  }
  return window.take();
}
