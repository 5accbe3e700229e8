import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Decompress } from "fzstd";
import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { XZ_MAGIC, xzChunks } from "../../shared/compression/xz.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { ZSTD_MAGIC, zstdWindow } from "../image/zstd.ts";
import type { Chunks } from "./byte_stream.ts";

const GZIP_MAGIC = Uint8Array.of(0x1f, 0x8b);
const PIECE = 64 * 1024;
/** `zstd --ultra -22` uses 128 MiB; packages 8. The decoder allocates what a frame says. */
const MAX_ZSTD_WINDOW = 128 << 20;

/**
 * What a file holds whose compression its first bytes tell: xz, zstd, gzip, or none.
 * @param maxSize what the caller takes: no more comes out of xz and zstd.
 */
export function unpackedChunks(bytes: Uint8Array, maxSize: number): Chunks {
  if (equalBytes(bytes.subarray(0, XZ_MAGIC.length), XZ_MAGIC)) return xzChunks(bytes, maxSize);
  if (isZstd(bytes)) return zstdChunks(bytes, maxSize);
  if (equalBytes(bytes.subarray(0, GZIP_MAGIC.length), GZIP_MAGIC)) return gzipChunks(bytes);
  return [bytes];
}

const isZstd = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && new ByteReader(bytes, "zstd frame").u32() === ZSTD_MAGIC;

function* zstdChunks(bytes: Uint8Array, maxSize: number): Generator<Uint8Array, void> {
  const window = zstdWindow(bytes, maxSize);
  if (window > MAX_ZSTD_WINDOW) {
    throw new RebootlessError("limit", `zstd: a window of ${window} bytes, at most ${MAX_ZSTD_WINDOW}`);
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
