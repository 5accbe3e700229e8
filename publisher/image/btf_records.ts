import { ByteReader } from "../../shared/byte_reader.ts";
import { counted } from "../../shared/counted.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { struct, u8, u16, u32 } from "../../shared/struct.ts";

const MAGIC = 0xeb9f;
// The largest number of types. A distribution's kernel has about 130,000.
const MAX_TYPES = 4_000_000;
const KIND_FLAG = 0x8000_0000;

/*
 * These structures are described in Documentation/bpf/btf.rst, Linux 6.12, section 2: struct btf_header,
 * struct btf_type, and struct btf_member, of which a structure has as many as the low half of its type's
 * `info` says. The kind is in bits 24 to 28 of `info`, and a flag of the kind in bit 31.
 */
const HEADER = struct(24, {
  magic: u16(0),
  version: u8(2),
  headerLength: u32(4),
  typesOffset: u32(8),
  typesLength: u32(12),
  stringsOffset: u32(16),
  stringsLength: u32(20),
});
const TYPE = struct(12, { name: u32(0), info: u32(4), size: u32(8) });
export const BTF_MEMBER = struct(12, { name: u32(0), type: u32(4), place: u32(8) });

/** The kinds of types (Documentation/bpf/btf.rst, Linux 6.12, section 2.2). */
export const BTF_KIND = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  prototype: 13,
  variable: 14,
  float: 16,
  typeTag: 18,
  enum64: 19,
} as const;

/** The number of bytes that follow the 12 of each type, by its kind (0 to 19): a fixed number, and a number
 * for each of its members. */
const MORE_BYTES: readonly (readonly [fixed: number, each: number])[] = [
  [0, 0], // void
  [4, 0], // int
  [0, 0], // pointer
  [12, 0], // array
  [0, 12], // struct
  [0, 12], // union
  [0, 8], // enum
  [0, 0], // forward
  [0, 0], // typedef
  [0, 0], // volatile
  [0, 0], // const
  [0, 0], // restrict
  [0, 0], // function
  [0, 8], // function prototype
  [4, 0], // variable
  [0, 12], // data section
  [0, 0], // float
  [4, 0], // declaration tag
  [0, 0], // type tag
  [0, 12], // enum of 64 bits
];

/** One type, as it is encoded. */
export interface BtfRecord {
  readonly kind: number;
  /** The place of its name among the strings, which is 0 for a type without a name. */
  readonly nameAt: number;
  /** For a structure: its members tell widths of bit-fields. For others, see btf.rst. */
  readonly hasFlag: boolean;
  /** The number of its members, values or parameters. */
  readonly count: number;
  /** The size in bytes, or the number of the type that it refers to. */
  readonly sizeOrType: number;
  /** What follows: members, values, parameters. */
  readonly more: ByteReader;
}

/** The types, in the order of their numbers, which begin at 1, and the strings. */
export interface BtfFile {
  /** @throws ParseError. @throws RebootlessError `limit`. */
  records(): Generator<BtfRecord>;
  /** Returns a string. @throws ParseError. */
  text(at: number): string;
}

/** Opens type information. @throws ParseError if its header is malformed. */
export function openBtf(btf: Uint8Array): BtfFile {
  const header = HEADER.view(btf, "BTF");
  const [magic, version, headerLength] = [header("magic"), header("version"), header("headerLength")];
  if (magic !== MAGIC || version !== 1 || headerLength < HEADER.size)
    throw new ParseError(
      `BTF: magic ${magic.toString(16)}, version ${version}, header of ${counted(headerLength, "byte")}`,
    );
  const part = (at: number, length: number): Uint8Array =>
    new ByteReader(btf, "BTF").seek(headerLength).skip(at).take(length);
  const strings = part(header("stringsOffset"), header("stringsLength"));
  return {
    records: () => recordsOf(part(header("typesOffset"), header("typesLength"))),
    text: (at) => stringAt(strings, at, "BTF strings"),
  };
}

function* recordsOf(bytes: Uint8Array): Generator<BtfRecord> {
  const types = new ByteReader(bytes, "BTF types");
  for (let number = 0; types.remaining > 0; number++) {
    if (number === MAX_TYPES) throw new RebootlessError("limit", `BTF: more than ${MAX_TYPES} types`);
    const at = types.position;
    const nameAt = TYPE.fields.name.read(types, at);
    const info = TYPE.fields.info.read(types, at);
    const sizeOrType = TYPE.fields.size.read(types, at);
    const kind = (info >>> 24) & 31;
    const count = info & 0xffff;
    const more = MORE_BYTES[kind];
    if (more === undefined) throw new ParseError(`BTF: a type of the unknown kind ${kind}`);
    const rest = new ByteReader(types.take(more[0] + count * more[1]), "BTF members");
    yield { kind, nameAt, hasFlag: info >= KIND_FLAG, count, sizeOrType, more: rest };
  }
}
