import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { type ElfSection, SECTION_TYPE, sectionBytes } from "./sections.ts";
import { stringAt } from "./strings.ts";
import { SYMBOL } from "./structs.ts";

// The largest modules (amdgpu) have about 60,000 symbols, a whole vmlinux about 200,000.
export const MAX_SYMBOLS = 500_000;

export const SYMBOL_TYPE = { none: 0, object: 1, func: 2, section: 3, file: 4 } as const;

export const SYMBOL_BINDING = { local: 0, global: 1, weak: 2 } as const;

/**
 * A symbol. `value` is an offset in the section `section` in a relocatable file, and an address in any other.
 * `size` is in bytes and often 0.
 */
export interface ElfSymbol {
  readonly name: string;
  readonly type: number;
  readonly binding: number;
  readonly section: number;
  readonly value: bigint;
  readonly size: bigint;
}

/**
 * Reads all symbols. The empty first one is included, so that a relocation's index is an index here. Returns
 * [] if the file has no symbol table.
 */
export function parseSymbols(bytes: Uint8Array, sections: readonly ElfSection[]): readonly ElfSymbol[] {
  const section = sections.find((s) => s.type === SECTION_TYPE.symtab);
  if (section === undefined) return [];
  const strings = sections[section.link];
  if (section.entrySize !== SYMBOL.size || section.size % SYMBOL.size !== 0 || strings === undefined) {
    throw new ParseError(
      `ELF symbols: ${counted(section.size, "byte")} in entries of ${section.entrySize}, names in section ${section.link}`,
    );
  }
  const count = section.size / SYMBOL.size;
  if (count > MAX_SYMBOLS)
    throw new RebootlessError("limit", `ELF: ${count} symbols, at most ${MAX_SYMBOLS}`);
  const names = sectionBytes(bytes, strings);
  const reader = new ByteReader(sectionBytes(bytes, section), "ELF symbols");
  return Array.from({ length: count }, (_, i) => parseSymbol(reader, i * SYMBOL.size, names));
}

function parseSymbol(reader: ByteReader, at: number, names: Uint8Array): ElfSymbol {
  const { name, info, section, value, size } = SYMBOL.fields;
  const kind = info.read(reader, at);
  return {
    name: stringAt(names, name.read(reader, at), "ELF symbol names"),
    type: kind & 15,
    binding: kind >> 4,
    section: section.read(reader, at),
    value: value.read(reader, at),
    size: size.read(reader, at),
  };
}
