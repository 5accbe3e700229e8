import { fromUtf8, utf8 } from "../bytes.ts";
import { latin1 } from "../elf/strings.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import type { ByteStream } from "./byte_stream.ts";

const BLOCK = 512;
/** The packages of the largest kernels have under 20,000 files. */
export const MAX_TAR_ENTRIES = 200_000;
/** The largest size that eleven octal digits write: 8 GiB less one byte. */
export const MAX_TAR_FILE = 8 ** 11 - 1;
// Long names and pax headers: a path and a few times.
const MAX_EXTENSION = 64 * 1024;

export interface TarFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Field of a header block, ustar (POSIX.1-1988): [start, length]. */
const FIELD = {
  name: [0, 100],
  size: [124, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 5],
  prefix: [345, 155],
} as const;

/**
 * The regular files of a tar archive that are wanted: ustar, with the long names of GNU tar and of pax. Nothing is
 * written anywhere, so a path is a name and no more; links are left out.
 * @param wants told the path and the size that is announced.
 * @param maxEntries of any kind. @throws ParseError; RebootlessError `limit`.
 */
export async function* tarFiles(
  stream: ByteStream,
  wants: (path: string, size: number) => boolean,
  maxEntries: number = MAX_TAR_ENTRIES,
): AsyncGenerator<TarFile, void> {
  let longName: string | undefined;
  for (let entries = 0; ; entries++) {
    if (entries === maxEntries) throw new RebootlessError("limit", `tar: more than ${maxEntries} entries`);
    const header = await stream.take(BLOCK);
    if (header.every((byte) => byte === 0)) return;
    requireChecksum(header);
    const type = text(header, "type");
    const size = number(header);
    if (type === "L" || type === "x" || type === "g") {
      if (size > MAX_EXTENSION) throw new RebootlessError("limit", `tar: a header of ${size} bytes`);
      const content = await stream.take(size);
      await stream.skip(-size & (BLOCK - 1));
      if (type === "L") longName = latin1(content).replace(/\0.*$/s, "");
      else if (type === "x") longName = paxPath(content) ?? longName;
      continue;
    }
    const path = longName ?? nameOf(header);
    longName = undefined;
    const isFile = type === "0" || type === "" || type === "7";
    if (isFile && wants(path, size)) yield { path, bytes: await stream.take(size) };
    else await stream.skip(size);
    await stream.skip(-size & (BLOCK - 1));
  }
}

function text(header: Uint8Array, field: keyof typeof FIELD): string {
  const [start, length] = FIELD[field];
  return latin1(header.subarray(start, start + length)).replace(/\0.*$/s, "");
}

function nameOf(header: Uint8Array): string {
  const prefix = text(header, "magic") === "ustar" ? text(header, "prefix") : "";
  return prefix === "" ? text(header, "name") : `${prefix}/${text(header, "name")}`;
}

/** Octal; sizes of 8 GiB and more, in another form, are far past every limit. */
function number(header: Uint8Array): number {
  const digits = text(header, "size").trim();
  if (/^[0-7]{1,11}$/.test(digits)) return Number.parseInt(digits, 8);
  throw new ParseError("tar: a size that is not an octal number");
}

/** The sum of the header's bytes, the sum's own counted as spaces. */
function requireChecksum(header: Uint8Array): void {
  const [start, length] = FIELD.checksum;
  const isOwn = (at: number): boolean => at >= start && at < start + length;
  const sum = header.reduce((total, byte, at) => total + (isOwn(at) ? 0x20 : byte), 0);
  if (Number.parseInt(text(header, "checksum").trim(), 8) !== sum)
    throw new ParseError("tar: a damaged header");
}

/** Records of "LENGTH key=value\n". A `size` there would stand for the header's: such an archive is not read. */
function paxPath(content: Uint8Array): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < content.length; ) {
    const [record, digits] = /^(\d{1,6}) /.exec(latin1(content.subarray(at, at + 8))) ?? [];
    const length = Number(digits);
    if (record === undefined || length <= record.length || at + length > content.length) {
      throw new ParseError("tar: a damaged pax header");
    }
    const [, key, value] =
      /^([^=]+)=(.*)\n$/s.exec(fromUtf8(content.subarray(at + record.length, at + length))) ?? [];
    if (key === "size") throw new RebootlessError("unsupported", "tar: a size in a pax header");
    if (key === "path") path = value;
    at += length;
  }
  return path;
}

/** The header of a regular file in ustar, for names of up to 100 bytes. Everything belongs to root, and has one time. */
export function tarHeader(path: string, length: number, seconds: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => block.set(utf8(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  if (length > MAX_TAR_FILE) throw new RebootlessError("limit", `too large a file for ustar: ${path}`);
  if (utf8(path).length > FIELD.name[1])
    throw new RebootlessError("limit", `too long a name for ustar: ${path}`);
  put(path, FIELD.name[0]);
  put("0000644", 100);
  put("0000000", 108);
  put("0000000", 116);
  put(octal(length, 11), FIELD.size[0]);
  put(octal(seconds, 11), 136);
  put(" ".repeat(8), FIELD.checksum[0]);
  put("0", FIELD.type[0]);
  put("ustar\0" + "00root", FIELD.magic[0]);
  put("root", 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0`, FIELD.checksum[0]);
  return block;
}

/** What follows a file's bytes, to a whole block. */
export const tarPadding = (length: number): Uint8Array => new Uint8Array(-length & (BLOCK - 1));
/** What ends an archive. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * BLOCK);
