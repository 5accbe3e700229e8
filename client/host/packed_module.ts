import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { gather, xzChunks } from "../../shared/compression/xz.ts";
import { zstdChunks } from "../../shared/compression/zstd.ts";
import { RebootlessError } from "../../shared/errors.ts";

/** The largest modules of distributions, with debugging information, have tens of MB. */
export const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

/**
 * What a packed module file holds.
 *
 * @param packing as its name ends: `gz`, `xz`, `zst`. Throws `unsupported` for another, `parse` and `limit` for what is
 * damaged or too large.
 */
export async function unpackModuleFile(bytes: Uint8Array, packing: string): Promise<Uint8Array> {
  switch (packing) {
    case "gz":
      return await promisify(gunzip)(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
    case "xz":
      return gather(xzChunks(bytes, MAX_UNPACKED_BYTES), MAX_UNPACKED_BYTES);
    case "zst":
      return gather(zstdChunks(bytes, MAX_UNPACKED_BYTES), MAX_UNPACKED_BYTES);
    default:
      throw new RebootlessError("unsupported", `.${packing} is no packing of modules`);
  }
}
