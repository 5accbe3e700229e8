import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { type ElfSection, SECTION_TYPE, sectionBytes } from "./sections.ts";
import { RELA } from "./structs.ts";

// The largest modules have about 400,000 relocations in one section (amdgpu's .rela.text).
export const MAX_RELOCATIONS = 4_000_000;

/**
 * The relocation types that occur in modules (System V ABI, AMD64 supplement, table 4.9). objtool leaves a
 * NONE where a call to __fentry__ was.
 */
export const R_X86_64 = { NONE: 0, _64: 1, PC32: 2, PLT32: 4, _32: 10, _32S: 11, PC64: 24 } as const;

/**
 * The field that a relocation writes: its size in bytes, and whether its place is subtracted from the value.
 */
export interface RelocationField {
  readonly size: 4 | 8;
  readonly relative: boolean;
}

/**
 * The fields by relocation type, for the types that the kernel's module loader applies
 * (arch/x86/kernel/module.c, Linux 6.1 and 6.12).
 */
export const RELOCATION_FIELDS: ReadonlyMap<number, RelocationField> = new Map([
  [R_X86_64._64, { size: 8, relative: false }],
  [R_X86_64.PC32, { size: 4, relative: true }],
  [R_X86_64.PLT32, { size: 4, relative: true }],
  [R_X86_64._32, { size: 4, relative: false }],
  [R_X86_64._32S, { size: 4, relative: false }],
  [R_X86_64.PC64, { size: 8, relative: true }],
]);

/**
 * A relocation of `type` at `offset` of the relocated section, against symbol number `symbol` plus `addend`.
 */
export interface Rela {
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
  readonly addend: bigint;
}

/**
 * Returns the relocation table of each relocated section, by the section's number.
 * @throws ParseError if a section has two.
 */
export function relocationTables(sections: readonly ElfSection[]): ReadonlyMap<number, ElfSection> {
  const tables = new Map<number, ElfSection>();
  for (const section of sections) {
    if (section.type !== SECTION_TYPE.rela) continue;
    if (tables.has(section.info)) throw new ParseError(`ELF: two tables relocate section ${section.info}`);
    tables.set(section.info, section);
  }
  return tables;
}

/**
 * Reads the relocations of section number `target`, in the order of the file. Returns [] if the section has
 * no table.
 */
export function parseRela(
  bytes: Uint8Array,
  sections: readonly ElfSection[],
  target: number,
): readonly Rela[] {
  const found = sections.filter((s) => s.type === SECTION_TYPE.rela && s.info === target);
  if (found.length > 1) throw new ParseError(`ELF: ${found.length} tables relocate section ${target}`);
  return found.flatMap((section) => parseTable(bytes, section));
}

function parseTable(bytes: Uint8Array, section: ElfSection): readonly Rela[] {
  if (section.entrySize !== RELA.size || section.size % RELA.size !== 0) {
    throw new ParseError(
      `ELF ${section.name}: ${counted(section.size, "byte")} in entries of ${section.entrySize}`,
    );
  }
  const count = section.size / RELA.size;
  if (count > MAX_RELOCATIONS) {
    throw new RebootlessError(
      "limit",
      `ELF ${section.name}: ${count} relocations, at most ${MAX_RELOCATIONS}`,
    );
  }
  const reader = new ByteReader(sectionBytes(bytes, section), "ELF relocations");
  const { offset, type, symbol, addend } = RELA.fields;
  return Array.from({ length: count }, (_, i) => {
    const at = i * RELA.size;
    return {
      offset: offset.read(reader, at),
      type: type.read(reader, at),
      symbol: symbol.read(reader, at),
      addend: addend.read(reader, at),
    };
  });
}
