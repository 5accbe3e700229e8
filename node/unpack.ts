import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ByteStream, type Chunks } from "../shared/archive/byte_stream.ts";
import { ByteReader } from "../shared/byte_reader.ts";
import { equalBytes } from "../shared/bytes.ts";
import type { Checksum } from "../shared/compression/crc.ts";
import { XZ_MAGIC, xzChunks } from "../shared/compression/xz.ts";
import { ZSTD_MAGIC, zstdChunks } from "../shared/compression/zstd.ts";
import { ParseError } from "../shared/errors.ts";

const GZIP_MAGIC = Uint8Array.of(0x1f, 0x8b);

/**
 * Unpacks a file that is compressed with xz, zstd or gzip, or not at all. Its first bytes tell which.
 *
 * @param maxSize the most bytes that the caller accepts. xz and zstd give no more than that.
 */
export function unpackedChunks(bytes: Uint8Array, maxSize: number): Chunks {
  if (equalBytes(bytes.subarray(0, XZ_MAGIC.length), XZ_MAGIC)) return xzChunks(bytes, maxSize, sha256);
  if (isZstd(bytes)) return zstdChunks(bytes, maxSize);
  if (equalBytes(bytes.subarray(0, GZIP_MAGIC.length), GZIP_MAGIC)) return gzipChunks(bytes);
  return [bytes];
}

/**
 * Unpacks the file of a kernel module: a .ko, .ko.xz, .ko.zst or .ko.gz.
 *
 * @throws ParseError; RebootlessError `limit` past `maxBytes`.
 */
export const unpackModule = (bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> =>
  new ByteStream(unpackedChunks(bytes, maxBytes), "module file", maxBytes).rest();

function sha256(): Checksum {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), value: () => new Uint8Array(hash.digest()) };
}

const isZstd = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && new ByteReader(bytes, "zstd frame").u32() === ZSTD_MAGIC;

async function* gzipChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const stream = Readable.from([bytes]).pipe(createGunzip());
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    throw new ParseError("gzip: the data is damaged", { cause });
  } finally {
    stream.destroy();
  }
}
