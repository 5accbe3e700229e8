import { decompress } from "fzstd";
import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError } from "../../shared/errors.ts";

export const ZSTD_MAGIC = 0xfd2fb528;

/**
 * One Zstandard frame (RFC 8878). The whole output is the decoder's window: it is allocated here, so that nothing that
 * the frame says about sizes is believed; what would go past its end is dropped by the decoder, and what is missing stays zero (a kernel ends in its relocation
 * table, which then does not parse). (Its streaming mode
 * allocates the frame's window, and moves all of it for every block: 9 s for a kernel instead of 2.)
 * @param size bytes of the whole output, already checked against a limit by the caller.
 * @throws ParseError. The checksum of the frame is not verified.
 */
export function decompressZstd(bytes: Uint8Array, size: number): Uint8Array {
  if (new ByteReader(bytes, "zstd frame").u32() !== ZSTD_MAGIC) throw new ParseError("not a zstd frame");
  try {
    return decompress(bytes, new Uint8Array(size));
  } catch (cause) {
    // The decoder reports damage by errors of its own and, on odd input, by RangeError or TypeError.
    throw new ParseError("zstd: the data is damaged", { cause });
  }
}
