import { gunzipSync } from "node:zlib";
import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { decompressLzma } from "../../shared/compression/lzma.ts";
import { gather, XZ_MAGIC, xzChunks } from "../../shared/compression/xz.ts";
import { decompressZstd, ZSTD_MAGIC } from "../../shared/compression/zstd.ts";
import { counted } from "../../shared/counted.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { decompressLz4Legacy, LZ4_LEGACY_MAGIC } from "./lz4.ts";

// The largest unpacked kernel. Distribution kernels are 50-90 MB; the kernel's own text mapping ends at 1
// GiB.
export const MAX_KERNEL_SIZE = 512 << 20;

// The first bytes of compressions that a kernel can be built with, but that are not handled here.
const UNSUPPORTED: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["LZO", [0x89, 0x4c, 0x5a, 0x4f]],
];

/**
 * The start of an LZMA stream: lc 3, lp 0, pb 2, which every encoder starts from, and the low half of a
 * dictionary size of 64 KiB or more.
 */
const LZMA_START = Uint8Array.of(0x5d, 0x00, 0x00);
/** The end of an xz file, to which kernels before 5.19 append nothing. */
const XZ_END = Uint8Array.of(0x59, 0x5a);

/**
 * Unpacks the kernel from a boot image's payload. The payload is the compressed stream, whose kind is told by
 * its magic, and the unpacked size in 4 bytes, which the kernel's build appends for all kinds but gzip, whose
 * own trailer has it.
 * @throws ParseError
 * @throws RebootlessError `unsupported` for other compressions, `limit` past MAX_KERNEL_SIZE.
 */
export function decompressPayload(payload: Uint8Array): Uint8Array {
  const reader = new ByteReader(payload, "kernel payload");
  const magic = reader.u32();
  if (startsWith(payload, XZ_MAGIC) && endsWith(payload, XZ_END)) {
    return gather(xzChunks(payload, MAX_KERNEL_SIZE), MAX_KERNEL_SIZE);
  }
  const size = reader.seek(Math.max(payload.length - 4, 4)).u32();
  if (size > MAX_KERNEL_SIZE) {
    throw new RebootlessError(
      "limit",
      `a kernel of ${size} bytes unpacked, at most ${MAX_KERNEL_SIZE} are read`,
    );
  }
  const stream = payload.subarray(0, -4);
  if (magic === LZ4_LEGACY_MAGIC) return decompressLz4Legacy(stream, size);
  if (magic === ZSTD_MAGIC) return decompressZstd(stream, size);
  if ((magic & 0xffff) === 0x8b1f) return decompressGzip(payload, size);
  if (startsWith(payload, XZ_MAGIC)) return decompressXz(stream, size);
  if (startsWith(payload, LZMA_START)) return decompressLzma(stream, size);
  throw refuse(payload);
}

const startsWith = (bytes: Uint8Array, start: Uint8Array): boolean =>
  equalBytes(bytes.subarray(0, start.length), start);

const endsWith = (bytes: Uint8Array, end: Uint8Array): boolean =>
  equalBytes(bytes.subarray(-end.length), end);

function decompressXz(stream: Uint8Array, size: number): Uint8Array {
  const output = gather(xzChunks(stream, size), size);
  if (output.length === size) return output;
  throw new ParseError(`xz: ${counted(output.length, "byte")} came out, ${size} were announced`);
}

function decompressGzip(payload: Uint8Array, size: number): Uint8Array {
  try {
    const output = gunzipSync(payload, { maxOutputLength: Math.max(size, 1) });
    return new Uint8Array(output.buffer, output.byteOffset, output.byteLength);
  } catch (cause) {
    throw new ParseError("gzip: the data is damaged, or longer than its trailer says", { cause });
  }
}

function refuse(payload: Uint8Array): RebootlessError {
  const known = UNSUPPORTED.find(([, magic]) => magic.every((byte, i) => payload[i] === byte));
  if (known === undefined) return new ParseError("the kernel's compression is not known");
  return new RebootlessError("unsupported", `a kernel compressed with ${known[0]} is not handled`, {
    hint: "Unpack it with the kernel's scripts/extract-vmlinux and give the result.",
    details: { compression: known[0] },
  });
}
