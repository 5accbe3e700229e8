import type { Address } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { counted } from "../../shared/counted.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { struct, u8, u16, u32 } from "../../shared/struct.ts";
import type { KernelImage } from "./kernel_image.ts";

const MAGIC = 0xeb9f;
// The largest number of types. A distribution's kernel has about 130,000.
const MAX_TYPES = 4_000_000;
const BITFIELDS = 0x8000_0000;
const STRUCT = 4;

/*
 * These structures are described in Documentation/bpf/btf.rst, Linux 6.12, section 2: struct btf_header,
 * struct btf_type, and struct btf_member, of which a structure has as many as the low half of its type's
 * `info` says. The kind is in bits 24 to 28 of `info`.
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
const MEMBER = struct(12, { name: u32(0), type: u32(4), offset: u32(8) });

/**
 * The number of bytes that follow the 12 of each type, by its kind (0 to 19): a fixed number, and a number
 * for each of its members (Documentation/bpf/btf.rst, Linux 6.12, section 2.2).
 */
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

/** The size of a structure in bytes, and the offsets of its named members. */
export interface StructLayout {
  readonly name: string;
  readonly size: number;
  readonly members: ReadonlyMap<string, number>;
}

/** Returns the offset of a member. @throws ParseError if the structure has no such member. */
export function memberOffset({ name, members }: StructLayout, member: string): number {
  const offset = members.get(member);
  if (offset === undefined) throw new ParseError(`BTF: struct ${name} has no member ${member}`);
  return offset;
}

/**
 * Returns the type information that the kernel contains, which a running kernel shows as
 * /sys/kernel/btf/vmlinux.
 * @throws RebootlessError `unsupported` if it has none.
 */
export function kernelBtf({ symbols, memory }: Pick<KernelImage, "symbols" | "memory">): Uint8Array {
  const start = symbols.only("__start_BTF");
  const stop = symbols.only("__stop_BTF");
  if (start === undefined || stop === undefined || stop.address <= start.address) {
    throw new RebootlessError("unsupported", "the kernel image has no type information (BTF)", {
      hint: "The layout of the kernel's structures is read from it: the kernel must have CONFIG_DEBUG_INFO_BTF.",
    });
  }
  return memory.read(start.address as Address, Number(stop.address - start.address));
}

/**
 * Returns the layouts of the named structures. Equal copies of a structure count as one.
 * @throws ParseError if the information is malformed, a structure is missing, or two of one name differ.
 * @throws RebootlessError `limit`.
 */
export function structLayouts(btf: Uint8Array, names: readonly string[]): ReadonlyMap<string, StructLayout> {
  const { types, strings } = openBtf(btf);
  const wanted = new Set(names);
  const layouts = new Map<string, StructLayout>();
  for (let count = 0; types.remaining > 0; count++) {
    if (count === MAX_TYPES) throw new RebootlessError("limit", `BTF: more than ${MAX_TYPES} types`);
    const layout = readType(types, strings, wanted);
    if (layout === undefined) continue;
    const before = layouts.get(layout.name);
    if (before !== undefined && !isEqual(before, layout))
      throw new ParseError(`BTF: two different structs ${layout.name}`);
    layouts.set(layout.name, layout);
  }
  const absent = names.find((name) => !layouts.has(name));
  if (absent !== undefined) throw new ParseError(`BTF: no struct ${absent}`);
  return layouts;
}

function openBtf(btf: Uint8Array): { types: ByteReader; strings: Uint8Array } {
  const header = HEADER.view(btf, "BTF");
  const [magic, version, headerLength] = [header("magic"), header("version"), header("headerLength")];
  if (magic !== MAGIC || version !== 1 || headerLength < HEADER.size)
    throw new ParseError(
      `BTF: magic ${magic.toString(16)}, version ${version}, header of ${counted(headerLength, "byte")}`,
    );
  const part = (at: number, length: number): Uint8Array =>
    new ByteReader(btf, "BTF").seek(headerLength).skip(at).take(length);
  return {
    types: new ByteReader(part(header("typesOffset"), header("typesLength")), "BTF types"),
    strings: part(header("stringsOffset"), header("stringsLength")),
  };
}

/** Reads past the next type, and returns its layout if it is one of those wanted. */
function readType(
  types: ByteReader,
  strings: Uint8Array,
  wanted: ReadonlySet<string>,
): StructLayout | undefined {
  const at = types.position;
  const nameAt = TYPE.fields.name.read(types, at);
  const info = TYPE.fields.info.read(types, at);
  const size = TYPE.fields.size.read(types, at);
  const kind = (info >>> 24) & 31;
  const count = info & 0xffff;
  const more = MORE_BYTES[kind];
  if (more === undefined) throw new ParseError(`BTF: a type of the unknown kind ${kind}`);
  const members = new ByteReader(types.take(more[0] + count * more[1]), "BTF members");
  if (kind !== STRUCT || nameAt === 0) return undefined;
  const name = stringAt(strings, nameAt, "BTF strings");
  if (!wanted.has(name)) return undefined;
  const hasBitfields = info >= BITFIELDS;
  return { name, size, members: readMembers(members, strings, count, hasBitfields) };
}

function readMembers(
  reader: ByteReader,
  strings: Uint8Array,
  count: number,
  hasBitfields: boolean,
): ReadonlyMap<string, number> {
  const members = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const nameAt = MEMBER.fields.name.read(reader, i * MEMBER.size);
    const place = MEMBER.fields.offset.read(reader, i * MEMBER.size);
    const bits = hasBitfields ? place & 0xff_ffff : place;
    // Members without a name, and bitfields within a byte, are of no use here.
    if (nameAt !== 0 && bits % 8 === 0) members.set(stringAt(strings, nameAt, "BTF strings"), bits / 8);
  }
  return members;
}

const isEqual = (a: StructLayout, b: StructLayout): boolean =>
  a.size === b.size &&
  a.members.size === b.members.size &&
  [...a.members].every(([name, offset]) => b.members.get(name) === offset);
