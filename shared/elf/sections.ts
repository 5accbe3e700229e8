import type { Address } from "../brand.ts";
import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { type ElfHeader, parseElfHeader } from "./header.ts";
import { stringAt } from "./strings.ts";

const ENTRY_SIZE = 64;
// SHN_LORESERVE: from here on indices mean other things and counts move elsewhere (no kernel or module needs that).
export const MAX_SECTIONS = 0xff00;

export const SECTION_TYPE = { progbits: 1, symtab: 2, strtab: 3, rela: 4, note: 7, nobits: 8 } as const;
/** `livepatch`: SHF_RELA_LIVEPATCH of include/uapi/linux/elf.h, a table of relocations that livepatch applies itself. */
export const SECTION_FLAG = { write: 1n, alloc: 2n, exec: 4n, livepatch: 0x10_0000n } as const;

/** One section. `link` and `info` are section indices whose meaning depends on the type. */
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
  /** 0 and 1 are one. */
  readonly alignment: number;
  readonly entrySize: number;
}

type Unnamed = Omit<ElfSection, "name"> & { readonly nameAt: number };

/** @throws ParseError; RebootlessError `limit` past MAX_SECTIONS. A file without sections gives []. */
export function parseSections(
  bytes: Uint8Array,
  header: ElfHeader = parseElfHeader(bytes),
): readonly ElfSection[] {
  const { at, count, size } = header.sectionHeaders;
  if (count >= MAX_SECTIONS)
    throw new RebootlessError("limit", `ELF: ${count} sections, at most ${MAX_SECTIONS}`);
  if (count === 0) return [];
  if (size !== ENTRY_SIZE)
    throw new ParseError(`ELF: section headers of ${counted(size, "byte")}, not ${ENTRY_SIZE}`);
  const reader = new ByteReader(bytes, "ELF section headers", at);
  const unnamed = Array.from({ length: count }, (_, index) => parseSection(reader, index));
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

function parseSection(reader: ByteReader, index: number): Unnamed {
  const nameAt = reader.u32();
  const type = reader.u32();
  const flags = reader.u64();
  const address = reader.u64() as Address;
  const fileOffset = reader.size64();
  const size = reader.size64();
  const link = reader.u32();
  const info = reader.u32();
  const alignment = reader.size64();
  const entrySize = reader.size64();
  return { index, nameAt, type, flags, address, fileOffset, size, link, info, alignment, entrySize };
}

/** The section's bytes in the file, a view; empty for NOBITS. Throws ParseError if they lie outside of the file. */
export function sectionBytes(
  bytes: Uint8Array,
  section: Pick<ElfSection, "type" | "fileOffset" | "size">,
): Uint8Array {
  if (section.type === SECTION_TYPE.nobits) return new Uint8Array(0);
  return new ByteReader(bytes, "ELF section", section.fileOffset).take(section.size);
}
