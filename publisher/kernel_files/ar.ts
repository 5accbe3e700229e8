import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes, utf8 } from "../../shared/bytes.ts";
import { latin1 } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";

const MAGIC = utf8("!<arch>\n");
const NAME_LENGTH = 16;
const SIZE_AT = 48;
const SIZE_LENGTH = 10;
const HEADER_LENGTH = 60;
const HEADER_END = "`\n";
// A Debian package has three.
const MAX_MEMBERS = 16;

export interface ArMember {
  readonly name: string;
  /** A view. */
  readonly bytes: Uint8Array;
}

export const isAr = (bytes: Uint8Array): boolean => equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);

/** The members of an ar archive: { name, times and owners, size in decimal, "`\n" }, each padded to 2 bytes. */
export function arMembers(bytes: Uint8Array): readonly ArMember[] {
  if (!isAr(bytes)) throw new ParseError("not an ar archive");
  const reader = new ByteReader(bytes, "ar archive", MAGIC.length);
  const members: ArMember[] = [];
  while (reader.remaining > 0) {
    if (members.length === MAX_MEMBERS)
      throw new RebootlessError("limit", `ar: more than ${MAX_MEMBERS} members`);
    const header = latin1(reader.take(HEADER_LENGTH));
    const size = header.slice(SIZE_AT, SIZE_AT + SIZE_LENGTH).trimEnd();
    if (!header.endsWith(HEADER_END) || !/^\d+$/.test(size)) throw new ParseError("ar: a damaged header");
    const content = reader.take(Number(size));
    reader.skip(Math.min(content.length & 1, reader.remaining));
    members.push({ name: header.slice(0, NAME_LENGTH).trimEnd().replace(/\/$/, ""), bytes: content });
  }
  return members;
}
