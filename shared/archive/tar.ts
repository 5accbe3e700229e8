import { concatBytes, fromUtf8, utf8 } from "../bytes.ts";
import { latin1 } from "../elf/strings.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { bytes, struct } from "../struct.ts";
import type { ByteStream } from "./byte_stream.ts";

const BLOCK = 512;
/** The most entries that are read. The packages of the largest kernels have under 20,000 files. */
export const MAX_TAR_ENTRIES = 200_000;
/** The largest size that fits in eleven octal digits: 8 GiB less one byte. */
export const MAX_TAR_FILE = 8 ** 11 - 1;
// Long names and pax headers hold a path and a few times, so this is ample.
const MAX_EXTENSION = 64 * 1024;

export interface TarFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The header block of ustar (POSIX.1-1988). Texts end with NUL or with the field; numbers are octal digits.
 */
const HEADER = struct(BLOCK, {
  name: bytes(0, 100),
  mode: bytes(100, 8),
  user: bytes(108, 8),
  group: bytes(116, 8),
  size: bytes(124, 12),
  modified: bytes(136, 12),
  checksum: bytes(148, 8),
  type: bytes(156, 1),
  magic: bytes(257, 5),
  version: bytes(263, 2),
  userName: bytes(265, 32),
  groupName: bytes(297, 32),
  prefix: bytes(345, 155),
});
type HeaderView = ReturnType<typeof HEADER.view>;

/**
 * Yields the wanted regular files of a tar archive: ustar, with the long names of GNU tar and of pax. It
 * writes nothing to disk, so a path is only a name. Links are left out.
 * @param wants decides by the path and the announced size. With "end", neither this file nor any later one is read.
 * @param maxEntries the most entries of any kind.
 * @throws ParseError
 * @throws RebootlessError `limit`
 */
export async function* tarFiles(
  stream: ByteStream,
  wants: (path: string, size: number) => boolean | "end",
  maxEntries: number = MAX_TAR_ENTRIES,
): AsyncGenerator<TarFile, void> {
  let longName: string | undefined;
  for (let entries = 0; ; entries++) {
    if (entries === maxEntries) throw new RebootlessError("limit", `tar: more than ${maxEntries} entries`);
    const header = await stream.take(BLOCK);
    if (header.every((byte) => byte === 0)) return;
    const fields = HEADER.view(header, "tar header");
    requireChecksum(header, fields);
    const type = textOf(fields("type"));
    const size = sizeOf(fields);
    if (type === "L" || type === "x" || type === "g") {
      if (size > MAX_EXTENSION) throw new RebootlessError("limit", `tar: a header of ${size} bytes`);
      const content = await stream.take(size);
      await stream.skip(-size & (BLOCK - 1));
      if (type === "L") longName = latin1(content).replace(/\0.*$/s, "");
      else if (type === "x") longName = paxPath(content) ?? longName;
      continue;
    }
    const path = longName ?? nameOf(fields);
    longName = undefined;
    const isFile = type === "0" || type === "" || type === "7";
    const wanted = isFile && wants(path, size);
    if (wanted === "end") return;
    if (wanted) yield { path, bytes: await stream.take(size) };
    else await stream.skip(size);
    await stream.skip(-size & (BLOCK - 1));
  }
}

const textOf = (field: Uint8Array): string => latin1(field).replace(/\0.*$/s, "");

function nameOf(header: HeaderView): string {
  const prefix = textOf(header("magic")) === "ustar" ? textOf(header("prefix")) : "";
  return prefix === "" ? textOf(header("name")) : `${prefix}/${textOf(header("name"))}`;
}

/**
 * Reads an octal size. Sizes of 8 GiB and more use another form; they are far past every limit, and refused.
 */
function sizeOf(header: HeaderView): number {
  const digits = textOf(header("size")).trim();
  if (/^[0-7]{1,11}$/.test(digits)) return Number.parseInt(digits, 8);
  throw new ParseError("tar: a size that is not an octal number");
}

/** Returns the sum of the header's bytes, with the bytes of the sum itself counted as spaces. */
function checksumOf(block: Uint8Array): number {
  const { offset, size } = HEADER.fields.checksum;
  return block.reduce((sum, byte, at) => sum + (at >= offset && at < offset + size ? 0x20 : byte), 0);
}

function requireChecksum(block: Uint8Array, header: HeaderView): void {
  if (Number.parseInt(textOf(header("checksum")).trim(), 8) !== checksumOf(block))
    throw new ParseError("tar: a damaged header");
}

/**
 * Returns the path among the records, each "LENGTH key=value\n". A `size` there would override the header's
 * size: such an archive is refused.
 */
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
    if (key === "size") throw new RebootlessError("unsupported", "tar: a pax header that states a size");
    if (key === "path") path = value;
    at += length;
  }
  return path;
}

/**
 * Writes the ustar header of a regular file, for names of up to 100 bytes. Every file belongs to root and has
 * the given time.
 */
export function tarHeader(path: string, length: number, seconds: number): Uint8Array {
  if (length > MAX_TAR_FILE)
    throw new RebootlessError("limit", `a file that is too large for ustar: ${path}`);
  const name = utf8(path);
  if (name.length > HEADER.fields.name.size)
    throw new RebootlessError("limit", `a name that is too long for ustar: ${path}`);
  const octal = (value: number, digits: number) => utf8(value.toString(8).padStart(digits, "0"));
  const fields = {
    name,
    mode: utf8("0000644"),
    user: utf8("0000000"),
    group: utf8("0000000"),
    size: octal(length, 11),
    modified: octal(seconds, 11),
    type: utf8("0"),
    magic: utf8("ustar"),
    version: utf8("00"),
    userName: utf8("root"),
    groupName: utf8("root"),
  };
  const sum = octal(checksumOf(HEADER.encode(fields)), 6);
  // The checksum has its traditional form: six digits, a NUL and a space.
  return HEADER.encode({ ...fields, checksum: concatBytes([sum, utf8("\0 ")]) });
}

/** Returns the zeroes that pad a file's bytes to a whole block. */
export const tarPadding = (length: number): Uint8Array => new Uint8Array(-length & (BLOCK - 1));
/** Returns the two zero blocks that end an archive. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * BLOCK);
