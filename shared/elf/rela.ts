import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { type ElfSection, SECTION_TYPE, sectionBytes } from "./sections.ts";

const ENTRY_SIZE = 24;
// The largest modules have about 400,000 in one section (amdgpu's .rela.text).
export const MAX_RELOCATIONS = 4_000_000;

/** System V ABI, AMD64 supplement, table 4.9: the types that occur in modules. */
export const R_X86_64 = { _64: 1, PC32: 2, PLT32: 4, _32: 10, _32S: 11, PC64: 24 } as const;

/** `type` at `offset` of the section that is relocated, against symbol number `symbol`, plus `addend`. */
export interface Rela {
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
  readonly addend: bigint;
}

/** The table of each section that is relocated, by the section's number. Throws ParseError if one has two. */
export function relocationTables(sections: readonly ElfSection[]): ReadonlyMap<number, ElfSection> {
  const tables = new Map<number, ElfSection>();
  for (const section of sections) {
    if (section.type !== SECTION_TYPE.rela) continue;
    if (tables.has(section.info))
      throw new ParseError(`ELF: section ${section.info} is relocated by two tables`);
    tables.set(section.info, section);
  }
  return tables;
}

/** The relocations of section number `target`, in the order of the file. [] if it has none. */
export function parseRela(
  bytes: Uint8Array,
  sections: readonly ElfSection[],
  target: number,
): readonly Rela[] {
  const found = sections.filter((s) => s.type === SECTION_TYPE.rela && s.info === target);
  if (found.length > 1) throw new ParseError(`ELF: section ${target} is relocated by ${found.length} tables`);
  return found.flatMap((section) => parseTable(bytes, section));
}

function parseTable(bytes: Uint8Array, section: ElfSection): readonly Rela[] {
  if (section.entrySize !== ENTRY_SIZE || section.size % ENTRY_SIZE !== 0) {
    throw new ParseError(
      `ELF ${section.name}: ${counted(section.size, "byte")} in entries of ${section.entrySize}`,
    );
  }
  const count = section.size / ENTRY_SIZE;
  if (count > MAX_RELOCATIONS) {
    throw new RebootlessError(
      "limit",
      `ELF ${section.name}: ${count} relocations, at most ${MAX_RELOCATIONS}`,
    );
  }
  const reader = new ByteReader(sectionBytes(bytes, section), "ELF relocations");
  return Array.from({ length: count }, () => {
    const offset = reader.size64();
    const type = reader.u32();
    const symbol = reader.u32();
    return { offset, type, symbol, addend: reader.s64() };
  });
}
