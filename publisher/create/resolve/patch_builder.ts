import { concatBytes } from "../../../shared/bytes.ts";
import { SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { groupBy } from "../../../shared/group_by.ts";
import { ORC_ENTRY } from "../../image/kernel_tables.ts";
import type { ObjectSection } from "../object/compiled_object.ts";
import type { Piece } from "../object/pieces.ts";
import { BUG_TABLE, ORC_ADDRESSES, ORC_ENTRIES } from "../object/section_role.ts";
import type { PatchRelocation, PatchSection, PatchSymbol, PatchTarget } from "../patch_object.ts";
import type { UnitPair } from "../unit_pair.ts";
import type { Placed, SharedReference, UnitPatch } from "./join_patches.ts";
import type { SharedTarget } from "./references.ts";
import type { PieceReplacement } from "./replaced.ts";
import type { PieceSelection, SelectedEntry, SelectedReference } from "./selection.ts";

// The linker no longer merges these sections.
const MERGING = SECTION_FLAG.merge | SECTION_FLAG.strings;

interface DraftRelocation extends Omit<PatchRelocation, "target"> {
  readonly target: PatchTarget | SharedTarget;
}

interface DraftSection extends Omit<PatchSection, "relocations"> {
  readonly relocations: readonly DraftRelocation[];
}

/** Lays out the selected pieces, section by section in the order of the compiled object. */
export function buildPatch(
  pair: Pick<UnitPair, "source" | "object">,
  { pieces, entries }: PieceSelection,
  replacements: readonly PieceReplacement[],
  namespaces: ReadonlyMap<string, string>,
): UnitPatch {
  const bySection = groupBy(
    [...pieces.keys()].sort((a, b) => a.index - b.index),
    ({ section }) => section,
  );
  const places = new Map<Piece, Placed>();
  const bugs = new Map<Piece, Map<number, Placed>>();
  const names = new Set<string>();
  const layouts = [...bySection].map(([section, kept], number) => layOut(section, kept, number, places));
  const tableEntries = [...groupBy(entries, ({ entry }) => entry.section.name).values()];
  placeBugs(tableEntries, layouts.length, bugs);
  const relocationsOf = (references: readonly SelectedReference[], at: number): readonly DraftRelocation[] =>
    references.map((reference) => relocation(reference, at, places, bugs));
  const sections = layouts.map(
    ({ section, kept, size, bytes }): DraftSection => ({
      name: unique(section.name, names),
      type: section.type,
      flags: section.flags & ~MERGING,
      align: Math.max(section.alignment, 1),
      entrySize: 0,
      size,
      bytes,
      relocations: kept.flatMap((piece) =>
        relocationsOf(pieces.get(piece) ?? [], places.get(piece)?.offset ?? 0),
      ),
    }),
  );
  const tables = tableEntries.flatMap((kept) => tableSections(kept, relocationsOf));
  const drafts = [...sections, ...tables];
  return {
    patch: {
      object: pair.object,
      source: pair.source,
      sections: drafts.map((draft) => ({ ...draft, relocations: draft.relocations.filter(isKnown) })),
      symbols: [...places].flatMap(([piece, place]) => symbolsOf(piece, place)),
      replaces: replacements.map(({ name, position, piece }) => ({
        name,
        position,
        ...placeOf(piece, places),
        size: piece.size,
      })),
      importNamespaces: importsOf(drafts, namespaces),
    },
    shared: drafts.flatMap(({ relocations }, section) => sharedReferences(relocations, section)),
    given: new Map(
      [...places].flatMap(([{ isGlobal, names }, place]) =>
        isGlobal ? names.map((name) => [name, place] as const) : [],
      ),
    ),
  };
}

/**
 * Returns the name spaces of the exports that the unit uses. The kernel gives the exports of a name space
 * only to modules that import it.
 */
function importsOf(
  sections: readonly DraftSection[],
  namespaces: ReadonlyMap<string, string>,
): readonly string[] {
  const targets = sections.flatMap(({ relocations }) => relocations.map(({ target }) => target));
  const used = targets.flatMap((target) =>
    target.kind === "export" ? (namespaces.get(target.name) ?? []) : [],
  );
  return [...new Set(used)];
}

const isKnown = (relocation: DraftRelocation): relocation is PatchRelocation =>
  relocation.target.kind !== "shared";

const sharedReferences = (
  relocations: readonly DraftRelocation[],
  section: number,
): readonly SharedReference[] =>
  relocations.flatMap(({ target, ...relocation }) =>
    target.kind === "shared" ? [{ section, relocation, name: target.name, object: target.object }] : [],
  );

function layOut(section: ObjectSection, kept: readonly Piece[], number: number, places: Map<Piece, Placed>) {
  const alignment = Math.max(section.alignment, 1);
  let size = 0;
  for (const piece of kept) {
    // Each piece stays as far from a multiple of the alignment as it was, so that each datum keeps the
    // alignment that it asked for.
    size += (((piece.start - size) % alignment) + alignment) % alignment;
    places.set(piece, { section: number, offset: size });
    size += piece.size;
  }
  const bytes = new Uint8Array(section.type === SECTION_TYPE.nobits ? 0 : size);
  if (bytes.length > 0) for (const piece of kept) bytes.set(piece.bytes, placeOf(piece, places).offset);
  return { section, kept, size, bytes };
}

function placeOf(piece: Piece, places: ReadonlyMap<Piece, Placed>): Placed {
  const place = places.get(piece);
  if (place === undefined)
    throw new RangeError(`${piece.names[0] ?? piece.section.name} is referred to, but was not selected`);
  return place;
}

/**
 * Notes where the entries of the bug table will be, by the code that they are about.
 * @param first the number of the first section of a table.
 */
function placeBugs(
  tables: readonly (readonly SelectedEntry[])[],
  first: number,
  bugs: Map<Piece, Map<number, Placed>>,
): void {
  let section = first;
  for (const kept of tables) {
    const [name] = kept.map(({ entry }) => entry.section.name);
    if (name === BUG_TABLE)
      kept.forEach(({ entry, references }, number) => {
        const about = references[0]?.target;
        if (about?.kind !== "kept") return;
        const known = bugs.get(about.piece) ?? new Map<number, Placed>();
        bugs.set(about.piece, known.set(entry.place, { section, offset: number * entry.bytes.length }));
      });
    section += name === ORC_ADDRESSES ? 2 : 1;
  }
}

function relocation(
  { offset, type, bias, target }: SelectedReference,
  at: number,
  places: ReadonlyMap<Piece, Placed>,
  bugs: ReadonlyMap<Piece, ReadonlyMap<number, Placed>>,
): DraftRelocation {
  if (target.kind === "kernel") {
    return { offset: at + offset, type, addend: BigInt(target.offset - bias), target: target.target };
  }
  if (target.isEntry) {
    const entry = bugs.get(target.piece)?.get(target.offset);
    if (entry === undefined)
      throw new RangeError("an entry of the bug table is referred to, but was not selected");
    return { offset: at + offset, type, addend: BigInt(-bias), target: { kind: "own", ...entry } };
  }
  const place = placeOf(target.piece, places);
  // The offset is counted from the piece's start, because the place referred to may lie before or behind the
  // piece.
  return {
    offset: at + offset,
    type,
    addend: BigInt(target.offset - bias),
    target: { kind: "own", section: place.section, offset: place.offset },
  };
}

function unique(name: string, taken: Set<string>): string {
  let found = name;
  for (let n = 1; taken.has(found); n++) found = `${name}.${n}`;
  taken.add(found);
  return found;
}

function tableSections(
  kept: readonly SelectedEntry[],
  relocationsOf: (references: readonly SelectedReference[], at: number) => readonly DraftRelocation[],
): readonly DraftSection[] {
  const [first] = kept;
  if (first === undefined) return [];
  const { section, bytes } = first.entry;
  const table: DraftSection = {
    name: section.name,
    type: section.type,
    flags: section.flags,
    align: Math.max(section.alignment, 1),
    entrySize: section.entrySize,
    size: kept.length * bytes.length,
    bytes: concatBytes(kept.map(({ entry }) => entry.bytes)),
    relocations: kept.flatMap(({ references }, i) => relocationsOf(references, i * bytes.length)),
  };
  if (section.name !== ORC_ADDRESSES) return [table];
  const unwind = concatBytes(kept.map(({ entry }) => entry.unwind ?? new Uint8Array(ORC_ENTRY.size)));
  return [
    table,
    { ...table, name: ORC_ENTRIES, align: 2, size: unwind.length, bytes: unwind, relocations: [] },
  ];
}

function symbolsOf({ names, role, size }: Piece, place: Placed): readonly PatchSymbol[] {
  const kind = role === "code" ? "function" : "object";
  return names.map((name) => ({ name, ...place, size, kind }));
}
