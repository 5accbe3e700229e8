import { counted } from "../../../shared/counted.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { groupBy } from "../../../shared/group_by.ts";
import { ORC_ENTRY } from "../../image/kernel_tables.ts";
import type { ObjectSection } from "./compiled_object.ts";
import { clearedBytes, type Reference, type Unit } from "./pieces.ts";
import { ORC_ADDRESSES, ORC_ENTRIES, SPECIAL_TABLES, type SpecialTable } from "./section_role.ts";

/** An entry of a special table, which is about a place in code. */
export interface TableEntry {
  readonly section: ObjectSection;
  readonly table: SpecialTable;
  /** The bytes of the entry, which are zero where a reference is filled in. */
  readonly bytes: Uint8Array;
  /** The references of the entry, with offsets from its start. The first one refers to the code. */
  readonly references: readonly Reference[];
  /** The offset, in the piece that the entry belongs to, of the place that it is about. */
  readonly place: number;
  /** The entry of .orc_unwind for this place, for entries of .orc_unwind_ip. */
  readonly unwind: Uint8Array | undefined;
}

/** The entries of all special tables by the number of the piece that they are about, in the order of the file. */
export type SpecialEntries = ReadonlyMap<number, readonly TableEntry[]>;

/**
 * Reads the entries of a unit's special tables.
 * @throws ParseError.
 * @throws RebootlessError `unsupported`.
 */
export function specialEntries(unit: Unit): SpecialEntries {
  const entries = new Map<number, TableEntry[]>();
  for (const section of unit.object.sections) {
    const table = SPECIAL_TABLES.get(section.name);
    if (table === undefined) continue;
    const all = [...tableEntries(unit, section, table)];
    const added = section.name === ORC_ADDRESSES ? missingUnwind(unit, all) : [];
    for (const { piece, entry } of [...all, ...added]) {
      const list = entries.get(piece);
      if (list === undefined) entries.set(piece, [entry]);
      else list.push(entry);
    }
  }
  return entries;
}

/** An entry, and the number of the piece that it is about. */
interface PieceEntry {
  readonly piece: number;
  readonly entry: TableEntry;
}

/**
 * Makes the unwind entries that are missing at the start of a function. objtool leaves out an entry that would be the
 * same as the one before it in the section, but what is before a function in the update may be something else.
 */
function missingUnwind({ pieces }: Unit, all: readonly PieceEntry[]): readonly PieceEntry[] {
  const bySection = groupBy(all, ({ piece }) => pieces[piece]?.section.index);
  const piecesOf = groupBy(pieces, ({ section }) => section.index);
  const placeIn = ({ piece, entry }: PieceEntry): number => (pieces[piece]?.start ?? 0) + entry.place;
  const added: PieceEntry[] = [];
  for (const [section, listed] of bySection) {
    const sorted = listed.toSorted((a, b) => placeIn(a) - placeIn(b));
    let next = 0;
    for (const { index, start } of piecesOf.get(section) ?? []) {
      while (next < sorted.length && placeIn(sorted[next] as PieceEntry) <= start) next += 1;
      const inForce = sorted[next - 1];
      if (inForce === undefined || placeIn(inForce) === start) continue;
      added.push({ piece: index, entry: movedTo(inForce.entry, index) });
    }
  }
  return added;
}

const movedTo = (entry: TableEntry, piece: number): TableEntry => ({
  ...entry,
  place: 0,
  references: entry.references.map((reference) => ({
    ...reference,
    target: { kind: "piece", piece, offset: 0, isEntry: false },
  })),
});

function* tableEntries(unit: Unit, section: ObjectSection, table: SpecialTable): Generator<PieceEntry> {
  const size = entrySize(section, table);
  const unwind = section.name === ORC_ADDRESSES ? unwindEntries(unit, section.size / size) : undefined;
  for (let at = 0; at < section.size; at += size) {
    const listed = unit.references(section, at, at + size);
    const [first] = listed;
    if (first?.offset !== 0 || first.target.kind !== "piece") {
      throw new ParseError(`${section.name}: the entry at ${at} refers to no code of the unit`);
    }
    const number = (at / size) * ORC_ENTRY.size;
    const bytes = clearedBytes(section, at, size, listed);
    const entry = {
      section,
      table,
      bytes,
      // An empty entry is taken to refer to its place alone.
      references: table.isEmpty?.(bytes)
        ? listed.map((reference) => ({ ...reference, target: first.target }))
        : listed,
      place: first.target.offset,
      unwind: unwind?.subarray(number, number + ORC_ENTRY.size),
    };
    yield { piece: first.target.piece, entry };
  }
}

/**
 * Returns the first size that fits: with it, relocations lie at only a few offsets of an entry, and the first
 * of them at its start.
 */
function entrySize(section: ObjectSection, { entrySizes }: SpecialTable): number {
  const fits = (size: number): boolean => {
    if (section.size % size !== 0) return false;
    const starts = section.relocations.filter(({ offset }) => offset % size === 0).length;
    return starts === section.size / size;
  };
  const size = entrySizes.find(fits);
  if (size !== undefined) return size;
  throw new RebootlessError("unsupported", `${section.name}: no entries of ${entrySizes.join(" or ")} bytes`);
}

function unwindEntries({ object }: Unit, count: number): Uint8Array {
  const section = object.sections.find(({ name }) => name === ORC_ENTRIES);
  if (section === undefined || section.size !== count * ORC_ENTRY.size || section.relocations.length > 0) {
    throw new ParseError(
      `${ORC_ENTRIES}: not ${counted(count, "entry", "entries")} of ${ORC_ENTRY.size} bytes`,
    );
  }
  return section.bytes;
}
