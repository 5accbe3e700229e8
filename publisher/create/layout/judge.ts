import { groupBy } from "../../../shared/group_by.ts";
import { type ChangeRefusal, changeRefusal } from "../diff/refusal.ts";
import { openUnit } from "../object/pieces.ts";
import type { UnitPair } from "../unit_pair.ts";
import { shadowCode } from "./shadow_code.ts";
import { isStackOnly, type StackVersion } from "./stack_only.ts";
import { type TypeChange, typeChanges } from "./type_changes.ts";
import { unitTypes } from "./unit_types.ts";
import { changeWords, some } from "./words.ts";

/** A unit of the update, and the functions of it that the update replaces. */
export interface JudgedUnit {
  readonly pair: UnitPair;
  /** The names are those of the old object file. */
  readonly replaced: ReadonlySet<string>;
}

/** What became of the layouts of types: refusals, and sentences about those that may change. */
export interface LayoutVerdict {
  readonly refusals: readonly ChangeRefusal[];
  readonly notes: readonly string[];
}

interface FoundChange extends JudgedUnit {
  readonly change: TypeChange;
}

/**
 * Judges the layouts that a patch changes, in all units that it reaches together: objects of such a type that exist
 * have the old layout, whichever unit made them. There is one refusal for a type. A type whose layout changes only
 * because it contains another one is told with that one, since an object of it contains one of the other.
 * @param units the units of the update, with those whose code stays the same although a type changes.
 * @param allowed the types of which the author says that no object exists from before: "struct foo" or "foo".
 * @throws ParseError.
 * @throws RebootlessError `limit`.
 */
export function judgeLayouts(units: readonly JudgedUnit[], allowed: readonly string[]): LayoutVerdict {
  const refusals: ChangeRefusal[] = [];
  const notes: string[] = [];
  const found: FoundChange[] = [];
  for (const unit of units) {
    const [before, after] = [unitTypes(unit.pair.before), unitTypes(unit.pair.after)];
    if (before === undefined || after === undefined) refusals.push(untyped(unit.pair.source));
    else {
      // The tables are not kept: a header may reach thousands of units, and each has some thousand types.
      for (const change of typeChanges({ before, after })) found.push({ ...unit, change });
    }
  }
  const containers = containersIn(found);
  const own = found.filter(({ change }) => !containers.has(change.name));
  for (const [, same] of groupBy(own, ({ change }) => `${change.name}: ${changeWords(change)}`)) {
    const [first] = same;
    if (first === undefined) continue;
    const { name } = first.change;
    if (allowed.some((type) => isNamed(name, type)))
      notes.push(`the layout of ${name} changes, and you said that no object of it exists from before`);
    else if (same.length === 1 && isOnStacks(first))
      notes.push(
        `the layout of ${name} changes; only functions that are replaced have such objects, on their stacks`,
      );
    else refusals.push(refusalOf(same, first, containers));
  }
  for (const type of allowed)
    if (!own.some(({ change }) => isNamed(change.name, type)))
      notes.push(`--layout-ok ${type} has no effect: the layout of no such type changes`);
  return { refusals, notes };
}

/** Reports whether an author means a type: "struct foo", "foo", or "FOO" for an enum without a name. */
const isNamed = (name: string, type: string): boolean =>
  [name, name.replace(/^(?:struct|union|enum) /, ""), name.replace(/^enum \{ (\w+) \}$/, "$1")].includes(
    type.trim().replaceAll(/\s+/g, " "),
  );

function isOnStacks({ pair, replaced, change }: FoundChange): boolean {
  const version = (file: Uint8Array, text: string): readonly StackVersion[] => {
    const types = unitTypes(file);
    return types === undefined ? [] : [{ text, unit: openUnit(file), types }];
  };
  const versions = [...version(pair.before, pair.sourceBefore), ...version(pair.after, pair.sourceAfter)];
  return versions.length === 2 && isStackOnly(change.name, versions, replaced);
}

/**
 * Returns the types whose members only have other places or sizes because they contain a type whose size changes, and
 * which types these are.
 */
function containersIn(found: readonly FoundChange[]): ReadonlyMap<string, readonly string[]> {
  const resized = new Set(
    found.filter(({ change }) => change.old !== change.now).map(({ change }) => change.name),
  );
  const containers = new Map<string, readonly string[]>();
  for (const [name, same] of groupBy(found, ({ change }) => change.name)) {
    const isMoved = ({ change: { members, values } }: FoundChange): boolean =>
      values.length === 0 && members.every(({ isSameType }) => isSameType);
    const contained = same.flatMap(({ change: { contains } }) =>
      [...contains].filter((inner) => inner !== name && resized.has(inner)),
    );
    if (contained.length > 0 && same.every(isMoved)) containers.set(name, [...new Set(contained)]);
  }
  return containers;
}

function refusalOf(
  same: readonly FoundChange[],
  { change }: FoundChange,
  containers: ReadonlyMap<string, readonly string[]>,
): ChangeRefusal {
  const { name } = change;
  const outer = containing(name, containers);
  const sources = [...new Set(same.map(({ pair }) => pair.source))];
  const reason = [
    `its layout changes, but objects in the running kernel have the old one: ${changeWords(change)}`,
    ...(outer.length === 0 ? [] : [`it is part of ${some(outer).join(", ")}`]),
    `${some(sources).join(", ")} ${sources.length === 1 ? "uses" : "use"} it`,
  ].join("; ");
  const refusal = changeRefusal("changed_type", name, reason);
  const advice = change.values.length > 0 ? KEEP_VALUES : refusal.advice;
  return { ...refusal, advice: [`${advice} ${permission(name)}`, ...shadowCode(change)].join("\n"), sources };
}

const KEEP_VALUES =
  "Keep the values of the constants that exist, and give new constants values that are not used yet.";

const permission = (name: string): string =>
  `If you know that no object of it exists from before the update: --layout-ok '${name.replace(/^enum \{ (\w+) \}$/, "$1")}'.`;

/** Returns the types that contain a type, directly or in another one. */
function containing(name: string, containers: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found = new Set([name]);
  for (const inner of found)
    for (const [outer, contained] of containers) if (contained.includes(inner)) found.add(outer);
  return [...found].filter((one) => one !== name);
}

const untyped = (source: string): ChangeRefusal =>
  changeRefusal(
    "untyped",
    source,
    "the compiler wrote no type information, so that nobody can tell whether the layout of a structure changes",
  );
