import { ELF_TYPE, type ElfHeader, parseElfHeader } from "../../shared/elf/header.ts";
import { parseRela, R_X86_64 } from "../../shared/elf/rela.ts";
import {
  type ElfSection,
  parseSections,
  SECTION_FLAG,
  SECTION_TYPE,
  sectionBytes,
} from "../../shared/elf/sections.ts";
import { type ElfSymbol, parseSymbols } from "../../shared/elf/symbols.ts";
import { ParseError } from "../../shared/errors.ts";

/** A place in a relocatable file: bytes from the start of a section. */
export interface Place {
  readonly section: number;
  readonly offset: number;
}

/** A pointer that the kernel's module loader fills in: to a place of this file, or to a symbol of another (no place). */
export interface Pointer {
  readonly symbol: string;
  readonly place: Place | undefined;
}

/** A relocatable ELF file, with its data seen as structures with pointers. */
export interface ObjectFile {
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** The bytes of a section, [] for one without. */
  bytes(section: number): Uint8Array;
  /** The pointers of a section by their offset. */
  pointers(section: number): ReadonlyMap<number, Pointer>;
  isCode(place: Place): boolean;
}

/** @throws ParseError, RebootlessError: not a relocatable x86-64 ELF file, or a malformed one. */
export function openObjectFile(file: Uint8Array): ObjectFile {
  const header: ElfHeader = parseElfHeader(file);
  if (header.type !== ELF_TYPE.rel) throw new ParseError(`not a relocatable ELF file: type ${header.type}`);
  const sections = parseSections(file, header);
  const symbols = parseSymbols(file, sections);
  const cache = new Map<number, ReadonlyMap<number, Pointer>>();
  const readPointers = (section: number): ReadonlyMap<number, Pointer> => {
    const known = cache.get(section) ?? sectionPointers(file, sections, symbols, section);
    cache.set(section, known);
    return known;
  };
  return {
    sections,
    symbols,
    bytes: (index) => {
      const section = sections[index];
      return section === undefined ? new Uint8Array() : sectionBytes(file, section);
    },
    pointers: readPointers,
    isCode: ({ section }) => ((sections[section]?.flags ?? 0n) & SECTION_FLAG.exec) !== 0n,
  };
}

function sectionPointers(
  file: Uint8Array,
  sections: readonly ElfSection[],
  symbols: readonly ElfSymbol[],
  section: number,
): ReadonlyMap<number, Pointer> {
  const pointers = new Map<number, Pointer>();
  for (const rela of parseRela(file, sections, section)) {
    if (rela.type !== R_X86_64._64) continue;
    const symbol = symbols[rela.symbol];
    if (symbol === undefined)
      throw new ParseError(`ELF: a relocation against symbol ${rela.symbol}, not there`);
    if (pointers.has(rela.offset))
      throw new ParseError(`ELF: two relocations at ${rela.offset} of ${section}`);
    pointers.set(rela.offset, {
      symbol: symbol.name,
      place: placeOf(sections, symbol, symbol.value + rela.addend),
    });
  }
  return pointers;
}

function placeOf(sections: readonly ElfSection[], symbol: ElfSymbol, at: bigint): Place | undefined {
  const section = sections[symbol.section];
  if (section === undefined || section.type === SECTION_TYPE.nobits || symbol.section === 0) return undefined;
  if (at < 0n || at >= BigInt(section.size)) return undefined;
  return { section: symbol.section, offset: Number(at) };
}
