import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes, utf8 } from "../../shared/bytes.ts";
import { latin1 } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { bytes, struct } from "../../shared/struct.ts";

const MAGIC = utf8("!<arch>\n");
/** struct ar_hdr (ar.h of System V; see deb(5)). Its fields are texts padded with spaces. Times and owners are left out. */
const HEADER = struct(60, { name: bytes(0, 16), size: bytes(48, 10), end: bytes(58, 2) });
const HEADER_END = "`\n";
// A Debian package has three members.
const MAX_MEMBERS = 16;

export interface ArMember {
  readonly name: string;
  /** The member's content, as a view of the archive. */
  readonly bytes: Uint8Array;
}

export const isAr = (file: Uint8Array): boolean => equalBytes(file.subarray(0, MAGIC.length), MAGIC);

/**
 * Reads the members of an ar archive. Their sizes are decimal, and each is padded to 2 bytes.
 * @throws ParseError, RebootlessError `limit`.
 */
export function arMembers(archive: Uint8Array): readonly ArMember[] {
  if (!isAr(archive)) throw new ParseError("not an ar archive");
  const reader = new ByteReader(archive, "ar archive", MAGIC.length);
  const members: ArMember[] = [];
  while (reader.remaining > 0) {
    if (members.length === MAX_MEMBERS)
      throw new RebootlessError("limit", `ar: more than ${MAX_MEMBERS} members`);
    const header = HEADER.view(reader.take(HEADER.size), "ar header");
    const [name, size] = [latin1(header("name")).trimEnd(), latin1(header("size")).trimEnd()];
    if (latin1(header("end")) !== HEADER_END || !/^\d+$/.test(size))
      throw new ParseError("ar: a damaged header");
    const content = reader.take(Number(size));
    reader.skip(Math.min(content.length & 1, reader.remaining));
    members.push({ name: name.replace(/\/$/, ""), bytes: content });
  }
  return members;
}
