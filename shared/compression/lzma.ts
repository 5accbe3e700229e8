import { counted } from "../counted.ts";
import { ParseError } from "../errors.ts";
import { struct, u8, u32, u64 } from "../struct.ts";
import { LzmaDecoder, lzmaProperties } from "./lzma_decoder.ts";
import { LzmaWindow } from "./lzma_window.ts";
import { RangeDecoder } from "./range_decoder.ts";

/**
 * The header of LZMA SDK's lzma-specification.txt: the properties (see lzma_decoder.ts), the dictionary and
 * the size. A size of all ones means that it was not known beforehand.
 */
const HEADER = struct(13, { properties: u8(0), dictionary: u32(1), size: u64(5) });
const UNKNOWN_SIZE = 0xffff_ffff_ffff_ffffn;

/**
 * Unpacks the .lzma format, which is older than .xz. The whole output serves as the dictionary, whatever the
 * header says.
 * @param size the length of the whole output in bytes, which the caller has checked against a limit.
 * @throws ParseError, also when the output is not exactly `size` bytes.
 */
export function decompressLzma(bytes: Uint8Array, size: number): Uint8Array {
  const header = HEADER.view(bytes, "LZMA header");
  const decoder = new LzmaDecoder(lzmaProperties(header("properties")));
  const announced = header("size");
  if (announced !== UNKNOWN_SIZE && announced !== BigInt(size)) {
    throw new ParseError(
      `LZMA: ${counted(announced, "byte")} announced in the header, ${size} stated after the data`,
    );
  }
  const range = new RangeDecoder(bytes, HEADER.size);
  const window = new LzmaWindow(size, size);
  const isEnded = decoder.decode(range, window, size);
  // If the header has no size, an end marker follows the last byte.
  const hasMarker = isEnded || (announced === UNKNOWN_SIZE && decoder.isAtEnd(range, window));
  if (window.at !== size || hasMarker !== (announced === UNKNOWN_SIZE)) {
    throw new ParseError(`LZMA: ${counted(window.at, "byte")} came out, ${size} were announced`);
  }
  return window.take();
}
