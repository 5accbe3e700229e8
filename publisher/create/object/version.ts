import { openUnit, type Unit } from "./pieces.ts";
import { type SpecialEntries, specialEntries } from "./special_tables.ts";

/** One version of a unit, with the entries of its special tables about its code. */
export interface Version {
  readonly unit: Unit;
  readonly entries: SpecialEntries;
}

/** Opens a version of a unit. @throws ParseError. @throws RebootlessError `limit`, `unsupported`. */
export function openVersion(file: Uint8Array): Version {
  const unit = openUnit(file);
  return { unit, entries: specialEntries(unit) };
}
