import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { parseSections, SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import { parseSymbols, SYMBOL_BINDING } from "../../../shared/elf/symbols.ts";
import { groupBy } from "../../../shared/group_by.ts";
import { type ChangeRefusal, changeRefusal } from "../diff/refusal.ts";
import type { UnitPair } from "../unit_pair.ts";

/**
 * The names that units of an update newly define for each other, as the units of one kernel object see them.
 * The running kernel does not have them.
 */
export interface SharedNames {
  /** The new names of this object that other units refer to. */
  readonly given: ReadonlySet<string>;
  /** The new names that units of this object refer to, with the object whose unit defines them. */
  readonly used: ReadonlyMap<string, ObjectName>;
}

export const NOTHING_SHARED: SharedNames = { given: new Set(), used: new Map() };

/** The shared names of an update. */
export interface SharedUpdate {
  /** Returns the names as the units of an object see them. */
  of(object: ObjectName): SharedNames;
  /** The functions and data that the patch moves from one file to another. */
  readonly refusals: readonly ChangeRefusal[];
}

type ComparedUnit = Pick<UnitPair, "source" | "object" | "before" | "after">;

/** The global symbols of a compiled unit, by what the unit does with them. */
interface Globals {
  readonly defined: ReadonlySet<string>;
  readonly wanted: ReadonlySet<string>;
}

interface UnitGlobals {
  readonly unit: ComparedUnit;
  readonly old: Globals;
  readonly now: Globals;
}

/**
 * Finds what the units of an update share.
 * @throws ParseError.
 * @throws RebootlessError `limit`, `unsupported`.
 */
export function sharedNames(units: readonly ComparedUnit[]): SharedUpdate {
  if (units.length < 2) return { of: () => NOTHING_SHARED, refusals: [] };
  const all = units.map(
    (unit): UnitGlobals => ({ unit, old: globalsOf(unit.before), now: globalsOf(unit.after) }),
  );
  const definers = definersOf(all);
  const shared = new Map<ObjectName, { given: Set<string>; used: Map<string, ObjectName> }>();
  for (const { unit } of all) shared.set(unit.object, { given: new Set(), used: new Map() });
  for (const { unit, now } of all) {
    for (const name of now.wanted) {
      const definer = definerFor(unit.object, definers.get(name) ?? []);
      if (definer === undefined) continue;
      shared.get(unit.object)?.used.set(name, definer);
      shared.get(definer)?.given.add(name);
    }
  }
  return { of: (object) => shared.get(object) ?? NOTHING_SHARED, refusals: movedNames(all) };
}

/** Returns the objects that newly define each name. */
function definersOf(units: readonly UnitGlobals[]): ReadonlyMap<string, readonly ObjectName[]> {
  const defined = units.flatMap(({ unit: { object }, old, now }) =>
    [...now.defined].filter((name) => !old.defined.has(name)).map((name) => ({ name, object })),
  );
  return new Map([...groupBy(defined, ({ name }) => name)].map(([name, of]) => [name, of.map(objectOf)]));
}

const objectOf = ({ object }: { readonly object: ObjectName }): ObjectName => object;

/**
 * Returns the object whose definition a unit means: its own one, else the kernel's, else that of the only
 * module. The kernel itself is never linked to a module.
 */
function definerFor(user: ObjectName, definers: readonly ObjectName[]): ObjectName | undefined {
  const nearest = [user, VMLINUX].find((object) => definers.includes(object));
  if (nearest !== undefined || user === VMLINUX) return nearest;
  const [only, ...others] = new Set(definers);
  return others.length === 0 ? only : undefined;
}

/**
 * Refuses what moves from one file of an object to another: the rest of the kernel would go on with the old
 * function, and there would be two of each datum.
 */
function movedNames(units: readonly UnitGlobals[]): readonly ChangeRefusal[] {
  return units.flatMap(({ unit: from, old, now }) =>
    [...old.defined]
      .filter((name) => !now.defined.has(name))
      .flatMap((name) => {
        const to = units.find(
          (other) =>
            other.unit.object === from.object && other.now.defined.has(name) && !other.old.defined.has(name),
        );
        if (to === undefined) return [];
        const sources = [from.source, to.unit.source];
        const reason = `the patch moves it from ${from.source} to ${to.unit.source}`;
        return { ...changeRefusal("moved", name, reason), sources };
      }),
  );
}

function globalsOf(file: Uint8Array): Globals {
  const globals = parseSymbols(file, parseSections(file)).filter(
    ({ binding, name }) => binding !== SYMBOL_BINDING.local && name !== "",
  );
  const names = (isWanted: boolean) =>
    new Set(
      globals
        .filter(({ section }) => (section === SECTION_NUMBER.undefined) === isWanted)
        .map(({ name }) => name),
    );
  return { defined: names(false), wanted: names(true) };
}
