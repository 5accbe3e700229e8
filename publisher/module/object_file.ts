import { ELF_TYPE, parseElfHeader } from "../../shared/elf/header.ts";
import { MAX_RELOCATIONS, parseRela, R_X86_64, type Rela } from "../../shared/elf/rela.ts";
import {
  type ElfSection,
  parseSections,
  SECTION_FLAG,
  SECTION_NUMBER,
  SECTION_TYPE,
  sectionBytes,
} from "../../shared/elf/sections.ts";
import { type ElfSymbol, parseSymbols, SYMBOL_TYPE } from "../../shared/elf/symbols.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";

/** A place in a relocatable file: a section, and an offset in bytes from its start. */
export interface SectionPlace {
  readonly section: number;
  readonly offset: number;
}

/** A pointer that the kernel's module loader fills in. It has no place if it points to a symbol outside of this file. */
export interface Pointer {
  readonly symbol: string;
  readonly place: SectionPlace | undefined;
}

/** A relocatable ELF file, with its data seen as structures with pointers. */
export interface ObjectFile {
  readonly sections: readonly ElfSection[];
  /** Returns the bytes of a section. They are empty for zeroed data, which has no bytes in a file. */
  bytes(section: number): Uint8Array;
  /** Returns the pointers of a section by their offsets. */
  pointers(section: number): ReadonlyMap<number, Pointer>;
  /** Returns the size in bytes that a symbol gives to the data at a place, or undefined if no symbol does. */
  objectSize(place: SectionPlace): number | undefined;
  isCode(place: SectionPlace): boolean;
}

/** Opens a relocatable x86-64 ELF file. @throws ParseError if it is malformed or of another kind, RebootlessError `limit`. */
export function openObjectFile(file: Uint8Array): ObjectFile {
  const header = parseElfHeader(file);
  if (header.type !== ELF_TYPE.rel) throw new ParseError(`not a relocatable ELF file: type ${header.type}`);
  const sections = parseSections(file, header);
  const symbols = parseSymbols(file, sections);
  const sizes = objectSizes(symbols);
  return {
    sections,
    bytes: (index) => {
      const section = sections[index];
      return section === undefined ? new Uint8Array() : sectionBytes(file, section);
    },
    pointers: pointerReader(file, sections, symbols),
    objectSize: (place) => sizes.get(keyOf(place)),
    isCode: ({ section }) => ((sections[section]?.flags ?? 0n) & SECTION_FLAG.exec) !== 0n,
  };
}

const keyOf = ({ section, offset }: { section: number; offset: number | bigint }): string =>
  `${section}:${offset}`;

function objectSizes(symbols: readonly ElfSymbol[]): ReadonlyMap<string, number> {
  return new Map(
    symbols
      .filter(({ type, size }) => type === SYMBOL_TYPE.object && size > 0n)
      .map(({ section, value, size }) => [keyOf({ section, offset: value }), Number(size)]),
  );
}

/**
 * Returns a function that reads the relocations of a section, each section once. All of them together are limited to
 * MAX_RELOCATIONS, because the sections of a hostile file may overlap.
 */
function pointerReader(
  file: Uint8Array,
  sections: readonly ElfSection[],
  symbols: readonly ElfSymbol[],
): ObjectFile["pointers"] {
  // Relocations that livepatch applies later point outside of this file, so they are left out.
  const tables = sections.filter(
    (s) => s.type === SECTION_TYPE.rela && (s.flags & SECTION_FLAG.livepatch) === 0n,
  );
  const relocated = new Set(tables.map((s) => s.info));
  const known = new Map<number, ReadonlyMap<number, Pointer>>();
  let total = 0;
  return (section) => {
    const before = known.get(section);
    if (before !== undefined) return before;
    const relas = relocated.has(section) ? parseRela(file, tables, section) : [];
    total += relas.length;
    if (total > MAX_RELOCATIONS)
      throw new RebootlessError("limit", `more than ${MAX_RELOCATIONS} relocations`);
    const pointers = sectionPointers(sections, symbols, relas);
    known.set(section, pointers);
    return pointers;
  };
}

function sectionPointers(
  sections: readonly ElfSection[],
  symbols: readonly ElfSymbol[],
  relas: readonly Rela[],
): ReadonlyMap<number, Pointer> {
  const pointers = new Map<number, Pointer>();
  for (const rela of relas) {
    if (rela.type !== R_X86_64._64) continue;
    const symbol = symbols[rela.symbol];
    if (symbol === undefined)
      throw new ParseError(`ELF: a relocation against symbol ${rela.symbol}, which does not exist`);
    if (pointers.has(rela.offset))
      throw new ParseError(`ELF: two relocations at ${rela.offset} of a section`);
    pointers.set(rela.offset, {
      symbol: symbol.name,
      place: placeOf(sections, symbol, symbol.value + rela.addend),
    });
  }
  return pointers;
}

function placeOf(sections: readonly ElfSection[], symbol: ElfSymbol, at: bigint): SectionPlace | undefined {
  const section = sections[symbol.section];
  if (section === undefined || symbol.section === SECTION_NUMBER.undefined) return undefined;
  if (at < 0n || at >= BigInt(section.size)) return undefined;
  return { section: symbol.section, offset: Number(at) };
}
