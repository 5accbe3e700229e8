import { counted } from "../../../shared/counted.ts";
import { ELF_TYPE, parseElfHeader } from "../../../shared/elf/header.ts";
import {
  MAX_RELOCATIONS,
  parseRela,
  R_X86_64,
  RELOCATION_FIELDS,
  type Rela,
  relocationTables,
} from "../../../shared/elf/rela.ts";
import {
  type ElfSection,
  parseSections,
  SECTION_NUMBER,
  sectionBytes,
} from "../../../shared/elf/sections.ts";
import { type ElfSymbol, parseSymbols } from "../../../shared/elf/symbols.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";

/** A section of a compiled unit, with its bytes ([] for NOBITS) and its relocations, sorted by offset. */
export interface ObjectSection extends ElfSection {
  readonly bytes: Uint8Array;
  readonly relocations: readonly Rela[];
}

/** A relocatable ELF file that a compiler made, or a linker that joined several (.ko). */
export interface CompiledObject {
  readonly sections: readonly ObjectSection[];
  readonly symbols: readonly ElfSymbol[];
}

// A section's size in a header is a claim, because zeroed data has no bytes in the file. All sections of
// amdgpu together have 20 MB.
const MAX_SECTION_BYTES = 256 << 20;

/** Opens a relocatable ELF file. @throws ParseError. @throws RebootlessError `limit`, `unsupported`. */
export function openCompiledObject(bytes: Uint8Array): CompiledObject {
  // Node reads files into a Buffer, whose slices would share its memory.
  const file = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = parseElfHeader(file);
  if (header.type !== ELF_TYPE.rel) throw new ParseError(`not a relocatable ELF file: type ${header.type}`);
  const sections = parseSections(file, header);
  const symbols = parseSymbols(file, sections);
  for (const symbol of symbols) requirePlace(symbol, sections);
  const tables = relocationTables(sections);
  let total = 0;
  return {
    symbols,
    sections: sections.map((section) => {
      if (section.size > MAX_SECTION_BYTES) {
        throw new RebootlessError(
          "limit",
          `${section.name}: ${section.size} bytes, at most ${MAX_SECTION_BYTES}`,
        );
      }
      const table = tables.get(section.index);
      const relocations = table === undefined ? [] : readRelocations(file, table, section, symbols.length);
      total += relocations.length;
      if (total > MAX_RELOCATIONS)
        throw new RebootlessError("limit", `more than ${MAX_RELOCATIONS} relocations`);
      return { ...section, bytes: sectionBytes(file, section), relocations };
    }),
  };
}

function readRelocations(
  file: Uint8Array,
  table: ElfSection,
  section: ElfSection,
  symbols: number,
): readonly Rela[] {
  const relocations = parseRela(file, [table], section.index)
    .filter(({ type }) => type !== R_X86_64.NONE)
    .sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { offset, type, symbol } of relocations) {
    const size = RELOCATION_FIELDS.get(type)?.size;
    if (size === undefined) {
      throw new RebootlessError("unsupported", `${section.name}: a relocation of type ${type} at ${offset}`);
    }
    if (offset < end || offset + size > section.size) {
      throw new ParseError(
        `${section.name}: a relocation at ${offset} overlaps another or the section's end`,
      );
    }
    if (symbol >= symbols)
      throw new ParseError(`${section.name}: a relocation against symbol ${symbol}, which does not exist`);
    end = offset + size;
  }
  return relocations;
}

function requirePlace({ name, section, value }: ElfSymbol, sections: readonly ElfSection[]): void {
  if (section === SECTION_NUMBER.common)
    throw new RebootlessError("unsupported", `${name} is a common symbol (-fcommon)`);
  const holder = section >= SECTION_NUMBER.reserved ? undefined : sections[section];
  if (section < SECTION_NUMBER.reserved && holder === undefined) {
    throw new ParseError(`ELF: symbol ${name} is in section ${section}, which does not exist`);
  }
  if (section !== SECTION_NUMBER.undefined && holder !== undefined && value > BigInt(holder.size)) {
    throw new ParseError(
      `ELF: symbol ${name} lies ${counted(value, "byte")} into ${holder.size} of ${holder.name}`,
    );
  }
}
