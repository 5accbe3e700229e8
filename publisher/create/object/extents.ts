import { R_X86_64 } from "../../../shared/elf/rela.ts";
import { SECTION_FLAG, SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import { type ElfSymbol, SYMBOL_TYPE } from "../../../shared/elf/symbols.ts";
import { groupBy } from "../../../shared/group_by.ts";
import type { CompiledObject, ObjectSection } from "./compiled_object.ts";
import type { SectionRole } from "./section_role.ts";

/** The range [start, end) of a piece in its section, and the symbols that start it. */
export interface PieceExtent {
  readonly start: number;
  readonly end: number;
  readonly symbols: readonly ElfSymbol[];
}

export const isCodeSection = ({ flags }: ObjectSection): boolean => (flags & SECTION_FLAG.exec) !== 0n;

/**
 * The names of what is no function or datum of the source: local labels, the compiler's marks for BTF, and the names
 * that objtool gives the padding before functions.
 */
const NO_PIECE = /^(?:\.L|__BTF_ID__|__pfx_)/;

/**
 * Returns the symbols that name a piece, by section. Symbols of sections and files, and those of NO_PIECE, are left
 * out.
 */
export function namedSymbols({
  symbols,
  sections,
}: CompiledObject): ReadonlyMap<number, readonly ElfSymbol[]> {
  return groupBy(symbols, ({ type, name, section }) => {
    if (
      type === SYMBOL_TYPE.section ||
      type === SYMBOL_TYPE.file ||
      name === "" ||
      section === SECTION_NUMBER.undefined
    )
      return undefined;
    return NO_PIECE.test(name) || sections[section] === undefined ? undefined : section;
  });
}

/** Returns the offsets that relocations name, by section. Code and data without a name begin there. */
export function referredPlaces({
  sections,
  symbols,
}: CompiledObject): ReadonlyMap<number, readonly number[]> {
  const places = new Map<number, Set<number>>();
  for (const section of sections) {
    for (const { symbol, addend, type } of section.relocations) {
      const target = symbols[symbol];
      if (target === undefined || target.section === SECTION_NUMBER.undefined) continue;
      const bias = isCodeSection(section) && (type === R_X86_64.PC32 || type === R_X86_64.PLT32) ? 4n : 0n;
      const list = places.get(target.section);
      const place = Number(target.value + addend + bias);
      if (list === undefined) places.set(target.section, new Set([place]));
      else list.add(place);
    }
  }
  return new Map([...places].map(([section, set]) => [section, [...set].sort((a, b) => a - b)]));
}

/**
 * Cuts a section into pieces, in order. It cuts at symbols; where there are none, it cuts code at the places
 * that are referred to, and strings at their ends.
 */
export function sectionExtents(
  section: ObjectSection,
  role: SectionRole,
  symbols: readonly ElfSymbol[],
  referred: readonly number[],
): readonly PieceExtent[] {
  if (role === "string") return cut(section.size, stringStarts(section));
  if (role === "constant") {
    const count = Math.ceil(section.size / section.entrySize);
    return cut(
      section.size,
      Array.from({ length: count }, (_, i) => i * section.entrySize),
    );
  }
  const named = symbolExtents(section, symbols);
  return named.length === 0 && role === "code"
    ? cut(
        section.size,
        referred.filter((at) => at >= 0 && at < section.size),
      )
    : withGaps(section.size, named);
}

function cut(size: number, starts: readonly number[]): readonly PieceExtent[] {
  if (size === 0) return [];
  const all = starts[0] === 0 ? starts : [0, ...starts];
  return all.map((start, i) => ({ start, end: all[i + 1] ?? size, symbols: [] }));
}

function stringStarts({ bytes, entrySize }: ObjectSection): readonly number[] {
  const starts: number[] = [];
  let isStart = true;
  for (let at = 0; at < bytes.length; at += entrySize) {
    if (isStart) starts.push(at);
    isStart = bytes.subarray(at, at + entrySize).every((byte) => byte === 0);
  }
  return starts;
}

/**
 * Returns a range for each place where a symbol starts that lies in no other symbol. A symbol without a size
 * reaches to the next one.
 */
function symbolExtents({ size }: ObjectSection, symbols: readonly ElfSymbol[]): readonly PieceExtent[] {
  const sorted = [...symbols].sort((a, b) => Number(a.value - b.value) || Number(b.size - a.size));
  const extents: (PieceExtent & { readonly symbols: ElfSymbol[] })[] = [];
  for (const symbol of sorted) {
    const start = Number(symbol.value);
    const last = extents.at(-1);
    const end = Math.min(start + Number(symbol.size), size);
    if (last !== undefined && start === last.start && (end === last.end || symbol.size === 0n)) {
      if (symbol.size === 0n && last.end === last.start && symbol.type !== last.symbols[0]?.type) continue;
      last.symbols.push(symbol);
    } else if (last === undefined || start >= last.end) {
      extents.push({ start, end, symbols: [symbol] });
    }
  }
  return extents.map((extent, i) => {
    const [symbol] = extent.symbols;
    const isOpen = extent.end === extent.start && symbol?.type === SYMBOL_TYPE.none;
    return isOpen ? { ...extent, end: extents[i + 1]?.start ?? size } : extent;
  });
}

function withGaps(size: number, extents: readonly PieceExtent[]): readonly PieceExtent[] {
  const all: PieceExtent[] = [];
  let end = 0;
  for (const extent of extents) {
    if (extent.start > end) all.push({ start: end, end: extent.start, symbols: [] });
    all.push(extent);
    end = Math.max(end, extent.end);
  }
  if (end < size) all.push({ start: end, end: size, symbols: [] });
  return all;
}
