import { R_X86_64, RELOCATION_FIELDS, type Rela } from "../../../shared/elf/rela.ts";
import { SECTION_FLAG, SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import { type ElfSymbol, SYMBOL_BINDING, SYMBOL_TYPE } from "../../../shared/elf/symbols.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { partitionPoint } from "../../../shared/partition_point.ts";
import { type RelativeOperand, relativeOperands } from "./code_walk.ts";
import { type CompiledObject, type ObjectSection, openCompiledObject } from "./compiled_object.ts";
import { isCodeSection, namedSymbols, type PieceExtent, referredPlaces, sectionExtents } from "./extents.ts";
import { BUG_TABLE, type SectionRole, sectionRole } from "./section_role.ts";

/**
 * A function, a datum, a string or a constant, which is the smallest part of a unit that is compared and kept
 * as a whole.
 */
export interface Piece {
  /** The index of the piece in `Unit.pieces`. */
  readonly index: number;
  readonly section: ObjectSection;
  readonly role: Exclude<SectionRole, "table" | "note">;
  /** The offset in bytes from the start of the section. */
  readonly start: number;
  readonly size: number;
  /**
   * The names of the symbols that start it, the most telling one first. Strings, constants and code without a
   * name have none.
   */
  readonly names: readonly string[];
  readonly isGlobal: boolean;
  readonly isWeak: boolean;
  readonly isWritable: boolean;
  /** True if the code jumps into another piece with an operand of one byte, so that it cannot be moved. */
  readonly isTied: boolean;
  /** The bytes of the piece, which are zero where a reference is filled in; [] for zeroed data. */
  readonly bytes: Uint8Array;
  /** The references of the piece, sorted by offset. */
  readonly references: readonly Reference[];
}

/** A field that the linker or the module loader fills in. */
export interface Reference {
  /** The offset of the field in the piece. */
  readonly offset: number;
  /** The relocation's type (R_X86_64_*). */
  readonly type: number;
  /** True if the field is the operand of a call or a jump. */
  readonly isBranch: boolean;
  /**
   * The number of bytes from the field to the place that a relative operand is counted from (4, or more if an
   * immediate follows). The relocation's addend is the target's offset less this number.
   */
  readonly bias: number;
  readonly target: ReferenceTarget;
}

export type ReferenceTarget =
  | {
      readonly kind: "piece";
      readonly piece: number;
      readonly offset: number;
      /** True if it leads to the entry of the bug table about this place, and not to the place itself. */
      readonly isEntry: boolean;
    }
  | { readonly kind: "symbol"; readonly name: string; readonly isWeak: boolean; readonly offset: number };

/** A compiled unit, divided into its pieces. */
export interface Unit {
  readonly object: CompiledObject;
  readonly pieces: readonly Piece[];
  /** Returns the references in a range of a section's bytes, as in `Piece.references`. */
  references(section: ObjectSection, start: number, end: number): readonly Reference[];
  /** Returns the piece at a place of a section, or undefined if no piece is there. */
  pieceAt(section: number, offset: number): Piece | undefined;
}

/** Opens a compiled unit. @throws ParseError. @throws RebootlessError `limit`, `unsupported`. */
export function openUnit(file: Uint8Array): Unit {
  return splitUnit(openCompiledObject(file));
}

/** The relative operands of a section's code. */
interface Walk {
  readonly byField: ReadonlyMap<number, RelativeOperand>;
  /** The operands, sorted by place. */
  readonly sorted: readonly RelativeOperand[];
}

type Draft = Omit<Piece, "bytes" | "references" | "isTied">;

function splitUnit(object: CompiledObject): Unit {
  const drafts: Draft[] = [];
  const bySection = new Map<number, Draft[]>();
  const bySymbol = new Map<ElfSymbol, Draft>();
  const symbols = namedSymbols(object);
  const referred = referredPlaces(object);
  for (const section of object.sections) {
    const role = sectionRole(section);
    if (role === "table" || role === "note") continue;
    const extents = sectionExtents(
      section,
      role,
      symbols.get(section.index) ?? [],
      referred.get(section.index) ?? [],
    );
    const own = extents.map((extent, i) => draftOf(section, role, extent, drafts.length + i));
    for (const draft of own) drafts.push(draft);
    bySection.set(section.index, own);
    extents.forEach((extent, i) => {
      const draft = own[i];
      if (draft !== undefined) for (const symbol of extent.symbols) bySymbol.set(symbol, draft);
    });
  }
  const walks = new Map<ObjectSection, Walk>();
  const pieceAt = (section: number, offset: number): Draft | undefined =>
    lastBefore(bySection.get(section) ?? [], offset);
  const references = (section: ObjectSection, start: number, end: number): readonly Reference[] => {
    const known = walks.get(section) ?? sectionOperands(section, bySection.get(section.index) ?? []);
    walks.set(section, known);
    const listed = within(section.relocations, offsetOf, start, end).map((rela) =>
      referenceOf(
        object,
        rela,
        known.byField.get(rela.offset) ?? presumedOperand(section, rela),
        start,
        (symbol, offset) => symbolPiece(bySymbol, symbol) ?? pieceAt(symbol.section, offset),
      ),
    );
    return [...listed, ...unlisted(section, known, start, end, pieceAt)].sort((a, b) => a.offset - b.offset);
  };
  const pieces = drafts.map((draft): Piece => {
    const { section, start, size } = draft;
    const found = references(section, start, start + size);
    const isTied = jumpsShortOut(walks.get(section), start, start + size);
    return { ...draft, isTied, references: found, bytes: clearedBytes(section, start, size, found) };
  });
  return {
    object,
    pieces,
    references,
    pieceAt: (section, offset) => pieces[pieceAt(section, offset)?.index ?? -1],
  };
}

/** Returns the bytes of a section with the fields of references set to zero. */
export function clearedBytes(
  section: ObjectSection,
  start: number,
  size: number,
  references: readonly Reference[],
): Uint8Array {
  const bytes = section.bytes.slice(start, start + size);
  for (const { offset, type } of references)
    bytes.fill(0, offset, offset + (RELOCATION_FIELDS.get(type)?.size ?? 0));
  return bytes;
}

function draftOf(
  section: ObjectSection,
  role: Draft["role"],
  { start, end, symbols }: PieceExtent,
  index: number,
): Draft {
  const sorted = [...symbols].sort((a, b) => rank(b) - rank(a));
  return {
    index,
    section,
    role,
    start,
    size: end - start,
    names: sorted.map(({ name }) => name),
    isGlobal: symbols.some(({ binding }) => binding !== SYMBOL_BINDING.local),
    isWeak: symbols.length > 0 && symbols.every(({ binding }) => binding === SYMBOL_BINDING.weak),
    isWritable: (section.flags & SECTION_FLAG.write) !== 0n,
  };
}

/**
 * Ranks symbols by how much they tell: a global one more than a weak one, a weak one more than a local one,
 * and a typed one more than a label.
 */
function rank({ binding, type }: ElfSymbol): number {
  return (
    (binding === SYMBOL_BINDING.global ? 4 : binding === SYMBOL_BINDING.weak ? 2 : 0) +
    (type === SYMBOL_TYPE.none ? 0 : 1)
  );
}

function symbolPiece(pieces: ReadonlyMap<ElfSymbol, Draft>, symbol: ElfSymbol): Draft | undefined {
  return symbol.type === SYMBOL_TYPE.section ? undefined : pieces.get(symbol);
}

/**
 * Returns the last of sorted pieces that starts at or before an offset. For an offset before all pieces, this
 * is the first piece.
 */
function lastBefore(pieces: readonly Draft[], offset: number): Draft | undefined {
  const after = partitionPoint(pieces.length, (i) => (pieces[i]?.start ?? 0) <= offset);
  return pieces[Math.max(after - 1, 0)];
}

/** Returns the sorted items that lie in [start, end). */
function within<T>(
  sorted: readonly T[],
  placeOf: (one: T) => number,
  start: number,
  end: number,
): readonly T[] {
  const before = (at: number): number =>
    partitionPoint(sorted.length, (i) => {
      const one = sorted[i];
      return one !== undefined && placeOf(one) < at;
    });
  return sorted.slice(before(start), before(end));
}

function sectionOperands(section: ObjectSection, pieces: readonly Draft[]): Walk {
  if (!isCodeSection(section)) return { byField: new Map(), sorted: [] };
  const all = new Map<number, RelativeOperand>();
  for (const { start, size } of pieces) {
    for (const operand of relativeOperands(section.bytes.subarray(start, start + size)).values()) {
      all.set(operand.at + start, {
        ...operand,
        at: operand.at + start,
        end: operand.end + start,
        target: operand.target + start,
      });
    }
  }
  return { byField: all, sorted: [...all.values()].sort((a, b) => a.at - b.at) };
}

/**
 * Presumes an operand in a place that the walk over a section's code did not reach, as if nothing followed
 * the field.
 */
function presumedOperand(section: ObjectSection, { offset, type }: Rela): RelativeOperand | undefined {
  const isPresumed = isCodeSection(section) && (type === R_X86_64.PC32 || type === R_X86_64.PLT32);
  return isPresumed
    ? { at: offset, size: 4, end: offset + 4, isBranch: type === R_X86_64.PLT32, target: 0 }
    : undefined;
}

function referenceOf(
  object: CompiledObject,
  { offset, type, symbol: number, addend }: Rela,
  operand: RelativeOperand | undefined,
  start: number,
  find: (symbol: ElfSymbol, offset: number) => Draft | undefined,
): Reference {
  const symbol = object.symbols[number];
  if (symbol === undefined)
    throw new ParseError(`a relocation against symbol ${number}, which does not exist`);
  const bias = operand === undefined ? 0 : operand.end - offset;
  const base = { offset: offset - start, type, isBranch: operand?.isBranch ?? false, bias };
  const distance = addend + BigInt(bias);
  if (symbol.section === SECTION_NUMBER.undefined) {
    const target = {
      name: symbol.name,
      isWeak: symbol.binding === SYMBOL_BINDING.weak,
      offset: narrow(distance),
    };
    return { ...base, target: { kind: "symbol", ...target } };
  }
  const place = narrow(symbol.value + distance);
  const piece = find(symbol, place);
  if (piece !== undefined) return { ...base, target: pieceTarget(piece, place) };
  const about = bugPlace(object, symbol.section, place);
  const code = about && find(about.symbol, about.place);
  if (code !== undefined)
    return { ...base, target: { ...pieceTarget(code, about?.place ?? 0), isEntry: true } };
  throw new RebootlessError(
    "unsupported",
    `a reference to ${symbol.name || `section ${symbol.section}`}, which has no content`,
  );
}

const pieceTarget = (
  { index, start }: Draft,
  place: number,
): Extract<ReferenceTarget, { kind: "piece" }> => ({
  kind: "piece",
  piece: index,
  offset: place - start,
  isEntry: false,
});

/** Returns the place in code that the entry at a place of the bug table begins with, by symbol and offset in its section. */
function bugPlace(
  { sections, symbols }: CompiledObject,
  number: number,
  place: number,
): { readonly symbol: ElfSymbol; readonly place: number } | undefined {
  const table = sections.find(({ index, name }) => index === number && name === BUG_TABLE);
  const first = table && within(table.relocations, offsetOf, place, place + 1)[0];
  const symbol = first && symbols[first.symbol];
  return symbol && { symbol, place: narrow(symbol.value + first.addend) };
}

function narrow(value: bigint): number {
  if (value > 0xffff_ffffn || value < -0xffff_ffffn)
    throw new ParseError(`a relocation's addend of ${value}`);
  return Number(value);
}

function jumpsShortOut(walk: Walk | undefined, start: number, end: number): boolean {
  return within(walk?.sorted ?? [], placeOf, start, end).some(
    ({ size, target }) => size === 1 && (target < start || target >= end),
  );
}

const placeOf = ({ at }: RelativeOperand): number => at;
const offsetOf = ({ offset }: Rela): number => offset;

/**
 * Returns the relative operands, such as branches, that lead from one piece into another of the same section
 * and that the assembler filled in.
 */
function unlisted(
  section: ObjectSection,
  { sorted }: Walk,
  start: number,
  end: number,
  pieceAt: (section: number, offset: number) => Draft | undefined,
): readonly Reference[] {
  if (start === 0 && end === section.size) return [];
  const relocated = new Set(within(section.relocations, offsetOf, start, end).map(({ offset }) => offset));
  return within(sorted, placeOf, start, end).flatMap((operand): readonly Reference[] => {
    const { at, size, target, isBranch } = operand;
    if (relocated.has(at) || (target >= start && target < end)) return [];
    const piece = target < 0 || target > section.size ? undefined : pieceAt(section.index, target);
    if (piece === undefined) return [];
    if (size !== 4) return [];
    return [
      {
        offset: at - start,
        type: R_X86_64.PC32,
        isBranch,
        bias: operand.end - at,
        target: pieceTarget(piece, target),
      },
    ];
  });
}
