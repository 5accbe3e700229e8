import { crc32 } from "node:zlib";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";

/*
 * Writes .xz files field by field, so that each field can be wrong by itself while all checksums fit. Written from the
 * format's specification (1.1.0), with the checksum of zlib: nothing of the reader is used.
 */

export interface HandMadeBlock {
  readonly data: Uint8Array;
  /** Flags of the block header besides those that follow from what is given here. */
  readonly flags?: number;
  /** Written into the header where they are given. */
  readonly packedSize?: number | Uint8Array;
  readonly size?: number | Uint8Array;
  readonly filters?: readonly Filter[];
  /** Bytes of padding in the header, besides those that bring it to a multiple of 4. */
  readonly padding?: Uint8Array;
  /** In place of the length that is right: in units of 4 bytes, less 1. */
  readonly headerSize?: number;
  /** In place of stored chunks. */
  readonly packed?: Uint8Array;
  readonly dataPadding?: number;
  readonly check?: Uint8Array;
  /** In place of what is right, in the index. */
  readonly unpadded?: number | Uint8Array;
  readonly indexSize?: number | Uint8Array;
}

export interface Filter {
  readonly id: number | Uint8Array;
  readonly properties: Uint8Array;
}

export interface HandMadeStream {
  readonly blocks: readonly HandMadeBlock[];
  readonly magic?: Uint8Array;
  readonly flags?: readonly [number, number];
  readonly count?: number | Uint8Array;
  readonly indexPadding?: Uint8Array;
  readonly backwardSize?: number;
  readonly footerFlags?: readonly [number, number];
  readonly footerMagic?: Uint8Array;
  /** A part whose checksum is wrong. */
  readonly wrongSum?: "stream header" | "block header" | "index" | "footer";
}

/** A dictionary of 1 MiB. */
export const LZMA2: Filter = { id: 0x21, properties: Uint8Array.of(16) };
export const X86: Filter = { id: 0x04, properties: new Uint8Array() };

const CHECK_LENGTHS = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

export function handMade(stream: HandMadeStream): Uint8Array {
  const { blocks, magic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), flags = [0, 1] } = stream;
  const made = blocks.map((block) => blockOf(block, flags[1], stream.wrongSum === "block header"));
  const records = made.flatMap(({ block, unpadded }) => [
    vli(block.unpadded ?? unpadded),
    vli(block.indexSize ?? block.data.length),
  ]);
  const plain = concatBytes([Uint8Array.of(0), vli(stream.count ?? blocks.length), ...records]);
  const index = concatBytes([
    plain,
    new Uint8Array(-plain.length & 3),
    stream.indexPadding ?? new Uint8Array(),
  ]);
  const backward = u32(stream.backwardSize ?? (index.length + 4) / 4 - 1);
  const footer = concatBytes([backward, Uint8Array.from(stream.footerFlags ?? flags)]);
  return concatBytes([
    magic,
    Uint8Array.from(flags),
    sum(Uint8Array.from(flags), stream.wrongSum === "stream header"),
    ...made.map(({ bytes }) => bytes),
    index,
    sum(index, stream.wrongSum === "index"),
    sum(footer, stream.wrongSum === "footer"),
    footer,
    stream.footerMagic ?? utf8("YZ"),
  ]);
}

function blockOf(block: HandMadeBlock, checkType: number, wrongSum: boolean) {
  const { filters = [LZMA2], packed = stored(block.data), packedSize, size } = block;
  const flags =
    (filters.length - 1) |
    (packedSize === undefined ? 0 : 0x40) |
    (size === undefined ? 0 : 0x80) |
    (block.flags ?? 0);
  const fields = concatBytes([
    Uint8Array.of(flags),
    ...(packedSize === undefined ? [] : [vli(packedSize)]),
    ...(size === undefined ? [] : [vli(size)]),
    ...filters.flatMap(({ id, properties }) => [vli(id), vli(properties.length), properties]),
    block.padding ?? new Uint8Array(),
  ]);
  const padded = concatBytes([fields, new Uint8Array(-(fields.length + 1) & 3)]);
  const header = concatBytes([Uint8Array.of(block.headerSize ?? (padded.length + 1) / 4), padded]);
  const check = block.check ?? checkOf(block.data, checkType);
  const start = concatBytes([header, sum(header, wrongSum), packed]);
  const padding = new Uint8Array(-start.length & 3).fill(block.dataPadding ?? 0);
  return { block, bytes: concatBytes([start, padding, check]), unpadded: start.length + check.length };
}

const checkOf = (data: Uint8Array, type: number): Uint8Array =>
  type === 1 ? sum(data, false) : new Uint8Array(CHECK_LENGTHS[type] ?? 0);

/** LZMA2 chunks that hold the data as it is. */
export function stored(data: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 65_536) {
    const part = data.subarray(at, at + 65_536);
    const last = part.length - 1;
    chunks.push(Uint8Array.of(at === 0 ? 1 : 2, last >> 8, last & 0xff), part);
  }
  return concatBytes([...chunks, Uint8Array.of(0)]);
}

/** A number as the format writes it; bytes are taken as they are. */
export function vli(value: number | Uint8Array): Uint8Array {
  if (typeof value !== "number") return value;
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  return Uint8Array.from([...out, rest]);
}

const u32 = (value: number): Uint8Array =>
  Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);

const sum = (bytes: Uint8Array, isWrong: boolean): Uint8Array =>
  u32((crc32(bytes) ^ (isWrong ? 1 : 0)) >>> 0);
