import { ByteReader } from "../../../shared/byte_reader.ts";
import { counted } from "../../../shared/counted.ts";
import { ParseError } from "../../../shared/errors.ts";
import { partitionPoint } from "../../../shared/partition_point.ts";
import type { KernelImage } from "../../image/kernel_image.ts";
import { ORC_ENTRY, PLACE, STATIC_CALL_SITE } from "../../image/kernel_tables.ts";
import { mapEntries, relativeTargets, sectionTable, symbolsTable } from "../../image/sites/sources.ts";
import type { CompiledObject, ObjectSection } from "../object/compiled_object.ts";
import { ORC_ADDRESSES, ORC_ENTRIES } from "../object/section_role.ts";

/** The tables of places in code that objtool derives from the code. `SEALS` is the one that depends on the whole object. */
export const SEALS = ".ibt_endbr_seal";
export const PLACE_TABLES = [
  ".return_sites",
  ".retpoline_sites",
  ".call_sites",
  ".static_call_sites",
] as const;
export type PlaceTable = (typeof PLACE_TABLES)[number] | typeof SEALS;

/** What objtool found out about the code of a shipped object. */
export interface DerivedTables {
  /** Returns the places of a table in [from, to), sorted. */
  places(table: PlaceTable, from: bigint, to: bigint): readonly bigint[];
  /**
   * Returns the unwind data of the code in [from, to), sorted: the entry that is in force at `from`, if there is one, and
   * those that follow.
   */
  unwind(from: bigint, to: bigint): readonly UnwindEntry[];
}

/** An entry of .orc_unwind (struct orc_entry), and the address from which on it is in force. */
export interface UnwindEntry {
  readonly address: bigint;
  readonly entry: Uint8Array;
}

/** Reports whether a shipped object does not allow the function at an address to be called indirectly. */
export const isSealedAt = (tables: DerivedTables, address: bigint): boolean =>
  tables.places(SEALS, address, address + 1n).length > 0;

/** Reads the tables of a kernel's image. They are read when they are first asked for. */
export function imageTables(image: Pick<KernelImage, "memory" | "symbols" | "sections">): DerivedTables {
  return derivedTables(
    (table) =>
      table === ".static_call_sites"
        ? mapEntries(
            symbolsTable(image, "__start_static_call_sites", "__stop_static_call_sites"),
            table,
            STATIC_CALL_SITE.size,
            (entry) => entry.target(STATIC_CALL_SITE.fields.code),
          )
        : relativeTargets(sectionTable(image, table), table),
    imageUnwind(image),
  );
}

/** Reads the tables of a module's file. @param addressOf the made-up address of a place in a section. */
export function moduleTables(
  { sections, symbols }: Pick<CompiledObject, "sections" | "symbols">,
  addressOf: (section: number, offset: bigint) => bigint,
): DerivedTables {
  const section = (name: string): ObjectSection | undefined => sections.find((one) => one.name === name);
  const targets = (name: string, size: number): readonly bigint[] =>
    (section(name)?.relocations ?? []).flatMap(({ offset, symbol, addend }) => {
      const target = symbols[symbol];
      return offset % size === 0 && target !== undefined
        ? addressOf(target.section, target.value + addend)
        : [];
    });
  return derivedTables(
    (table) => targets(table, table === ".static_call_sites" ? STATIC_CALL_SITE.size : PLACE.size),
    moduleUnwind(targets(ORC_ADDRESSES, PLACE.size), section(ORC_ENTRIES)),
  );
}

function derivedTables(
  read: (table: PlaceTable) => readonly bigint[],
  unwind: DerivedTables["unwind"],
): DerivedTables {
  const known = new Map<PlaceTable, BigUint64Array>();
  return {
    places: (table, from, to) => {
      const all = known.get(table) ?? BigUint64Array.from(read(table)).sort();
      known.set(table, all);
      const before = (address: bigint): number => partitionPoint(all.length, (i) => (all[i] ?? 0n) < address);
      return [...all.subarray(before(from), before(to))];
    },
    unwind,
  };
}

/** The kernel's own table is sorted when it is linked (scripts/sorttable.c), so that it need not be read whole. */
function imageUnwind(image: Pick<KernelImage, "memory" | "symbols">): DerivedTables["unwind"] {
  const places = symbolsTable(image, "__start_orc_unwind_ip", "__stop_orc_unwind_ip");
  const entries = symbolsTable(image, "__start_orc_unwind", "__stop_orc_unwind");
  if (places === undefined || entries === undefined) return () => [];
  const reader = new ByteReader(places.bytes, ORC_ADDRESSES);
  return sortedUnwind(
    places.bytes.length / PLACE.size,
    (i) => places.address + BigInt(i * PLACE.size) + BigInt(PLACE.fields.place.read(reader, i * PLACE.size)),
    (i) => entryAt(entries.bytes, i),
  );
}

function moduleUnwind(
  places: readonly bigint[],
  entries: ObjectSection | undefined,
): DerivedTables["unwind"] {
  if (entries === undefined) return () => [];
  if (entries.size !== places.length * ORC_ENTRY.size) {
    const expected = counted(places.length, "entry", "entries");
    throw new ParseError(`${ORC_ENTRIES}: not ${expected} of ${ORC_ENTRY.size} bytes`);
  }
  const sorted = places
    .map((address, i) => ({ address, entry: entryAt(entries.bytes, i) }))
    .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  return sortedUnwind(
    sorted.length,
    (i) => sorted[i]?.address ?? 0n,
    (i) => sorted[i]?.entry ?? new Uint8Array(),
  );
}

const sortedUnwind =
  (
    count: number,
    addressOf: (index: number) => bigint,
    entryOf: (index: number) => Uint8Array,
  ): DerivedTables["unwind"] =>
  (from, to) => {
    const first = Math.max(partitionPoint(count, (i) => addressOf(i) <= from) - 1, 0);
    const end = partitionPoint(count, (i) => addressOf(i) < to);
    return Array.from({ length: Math.max(end - first, 0) }, (_, i) => ({
      address: addressOf(first + i),
      entry: entryOf(first + i),
    }));
  };

const entryAt = (bytes: Uint8Array, index: number): Uint8Array =>
  bytes.subarray(index * ORC_ENTRY.size, (index + 1) * ORC_ENTRY.size);
