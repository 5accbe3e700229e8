import { equalBytes, toHex } from "../../../shared/bytes.ts";
import { counted } from "../../../shared/counted.ts";
import type { Piece } from "../object/pieces.ts";
import { ORC_ADDRESSES } from "../object/section_role.ts";
import type { TableEntry } from "../object/special_tables.ts";
import type { Version } from "../object/version.ts";
import { type DerivedTables, PLACE_TABLES, SEALS } from "./derived_tables.ts";

/** The address and the size, in bytes, of a shipped function. */
interface ShippedPlace {
  readonly address: bigint;
  readonly size: number;
}

/**
 * Compares what objtool found in a function's compiled old version with what it found in the shipped function. If the
 * two agree, the new version, which is made in the same way, has what a kernel of this configuration needs: without
 * return sites a mitigation would have a hole, and without unwind data later updates could not be applied while a task
 * sleeps in the function.
 *
 * The shipped object was linked when objtool looked at it, so it knows more of who takes a function's address: it may
 * have fewer seals than the unit, but not more.
 *
 * @returns how they differ, or undefined if they do not.
 */
export function derivedFault(
  { entries }: Pick<Version, "entries">,
  old: Piece,
  place: ShippedPlace,
  shipped: DerivedTables,
): string | undefined {
  const { address, size } = place;
  const own = entries.get(old.index) ?? [];
  const end = address + BigInt(size);
  for (const table of PLACE_TABLES) {
    const [here, there] = [placesOf(own, table, size), shipped.places(table, address, end)];
    const isSame = here.length === there.length && here.every((at, i) => address + BigInt(at) === there[i]);
    if (!isSame)
      return `objtool has ${counted(here.length, "entry", "entries")} in ${table} for the compiled old version, and ${there.length} for the shipped function`;
  }
  const seals = new Set(placesOf(own, SEALS, size));
  const unsealed = shipped.places(SEALS, address, end).find((at) => !seals.has(Number(at - address)));
  if (unsealed !== undefined)
    return `the shipped function is in ${SEALS}, but its compiled old version is not`;
  return unwindFault(own, place, shipped);
}

const placesOf = (entries: readonly TableEntry[], table: string, size: number): readonly number[] =>
  entries
    .filter(({ section, place }) => section.name === table && place < size)
    .map(({ place }) => place)
    .sort((a, b) => a - b);

/** Compares where the unwind data changes, and to what. */
function unwindFault(
  own: readonly TableEntry[],
  { address, size }: ShippedPlace,
  shipped: DerivedTables,
): string | undefined {
  const here = changes(
    own.flatMap(({ section, place, unwind }) =>
      section.name === ORC_ADDRESSES && place < size && unwind !== undefined ? { place, entry: unwind } : [],
    ),
  );
  const there = changes(
    shipped
      .unwind(address, address + BigInt(size))
      .map((one) => ({ place: Math.max(Number(one.address - address), 0), entry: one.entry })),
  );
  if (here.length === 0 && there.length > 0)
    return "objtool has no unwind data (ORC) for the compiled old version";
  const at = Math.max(here.length, there.length);
  const different = Array.from({ length: at }, (_, i) => i).find((i) => here[i] !== there[i]);
  if (different === undefined) return undefined;
  return `the unwind data (ORC) is ${here[different] ?? "at an end"} in the compiled old version, and ${there[different] ?? "at an end"} in the shipped function`;
}

/** Returns a text for each place at which the entry is another one than before, in order of the places. */
function changes(
  entries: readonly { readonly place: number; readonly entry: Uint8Array }[],
): readonly string[] {
  const sorted = entries.toSorted((a, b) => a.place - b.place);
  return sorted
    .filter(({ entry }, i) => i === 0 || !equalBytes(entry, sorted[i - 1]?.entry ?? new Uint8Array()))
    .map(({ place, entry }) => `${toHex(entry)} from byte ${place}`);
}
