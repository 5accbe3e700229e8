import type { Address } from "../brand.ts";
import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { type ElfHeader, parseElfHeader } from "./header.ts";
import { stringAt } from "./strings.ts";
import { SECTION_HEADER } from "./structs.ts";

/**
 * The section numbers that name no section. From `reserved` on they have other meanings, and counts are
 * stored elsewhere, which no kernel or module needs. `livepatch` is Linux's SHN_LIVEPATCH: the symbol is
 * resolved by livepatch and not by the module loader.
 */
export const SECTION_NUMBER = {
  undefined: 0,
  reserved: 0xff00,
  livepatch: 0xff20,
  absolute: 0xfff1,
  common: 0xfff2,
} as const;
export const MAX_SECTIONS = SECTION_NUMBER.reserved;

export const SECTION_TYPE = { progbits: 1, symtab: 2, strtab: 3, rela: 4, note: 7, nobits: 8 } as const;
/**
 * The section flags. `livepatch` is SHF_RELA_LIVEPATCH of include/uapi/linux/elf.h: a table of relocations
 * that livepatch applies itself.
 */
export const SECTION_FLAG = {
  write: 1n,
  alloc: 2n,
  exec: 4n,
  merge: 0x10n,
  strings: 0x20n,
  infoLink: 0x40n,
  livepatch: 0x10_0000n,
} as const;

/** A section. `link` and `info` are section indices whose meaning depends on the type. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: Address;
  readonly fileOffset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  /** The alignment in bytes; 0 and 1 mean the same. */
  readonly alignment: number;
  readonly entrySize: number;
}

type Unnamed = Omit<ElfSection, "name"> & { readonly nameAt: number };

/**
 * Reads the sections. Returns [] for a file without sections.
 * @throws ParseError
 * @throws RebootlessError `limit` past MAX_SECTIONS.
 */
export function parseSections(
  bytes: Uint8Array,
  header: ElfHeader = parseElfHeader(bytes),
): readonly ElfSection[] {
  const { at, count, size } = header.sectionHeaders;
  if (count >= MAX_SECTIONS)
    throw new RebootlessError("limit", `ELF: ${count} sections, at most ${MAX_SECTIONS}`);
  if (count === 0) return [];
  if (size !== SECTION_HEADER.size)
    throw new ParseError(`ELF: section headers of ${counted(size, "byte")}, not ${SECTION_HEADER.size}`);
  const reader = new ByteReader(bytes, "ELF section headers");
  const unnamed = Array.from({ length: count }, (_, index) => parseSection(reader, at + index * size, index));
  const namesSection = unnamed[header.sectionNames];
  if (namesSection === undefined) {
    throw new ParseError(`ELF: section names are in section ${header.sectionNames} of ${count}`);
  }
  const names = sectionBytes(bytes, namesSection);
  return unnamed.map(({ nameAt, ...section }) => ({
    ...section,
    name: stringAt(names, nameAt, "ELF section names"),
  }));
}

function parseSection(reader: ByteReader, at: number, index: number): Unnamed {
  const { name, type, flags, address, fileOffset, size, link, info, alignment, entrySize } =
    SECTION_HEADER.fields;
  return {
    index,
    nameAt: name.read(reader, at),
    type: type.read(reader, at),
    flags: flags.read(reader, at),
    address: address.read(reader, at) as Address,
    fileOffset: fileOffset.read(reader, at),
    size: size.read(reader, at),
    link: link.read(reader, at),
    info: info.read(reader, at),
    alignment: alignment.read(reader, at),
    entrySize: entrySize.read(reader, at),
  };
}

/**
 * Returns a view of the section's bytes in the file, which is empty for NOBITS.
 * @throws ParseError if they lie outside of the file.
 */
export function sectionBytes(
  bytes: Uint8Array,
  section: Pick<ElfSection, "type" | "fileOffset" | "size">,
): Uint8Array {
  if (section.type === SECTION_TYPE.nobits) return new Uint8Array(0);
  return new ByteReader(bytes, "ELF section", section.fileOffset).take(section.size);
}
