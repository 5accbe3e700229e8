import { type Aggregate, fieldsOf, type LayoutField } from "./fields.ts";
import { type EnumType, layoutNameOf, namedTypes } from "./named_types.ts";
import { type SameType, typeComparer } from "./same_type.ts";
import type { TypeTable } from "./type_table.ts";
import { declaration } from "./type_text.ts";

/** A member as it was or as it is now. */
export interface MemberPlace {
  /** The declaration in C: "unsigned int flags". */
  readonly text: string;
  /** The offset in bits. */
  readonly at: number;
  /** The width of a bit-field in bits, or 0. */
  readonly width: number;
  /** The size in bytes. */
  readonly size: number;
  /** The declaration in C of a pointer to such a member: "unsigned int *flags". */
  readonly pointer: string;
}

/** The change of one member: added without `old`, removed without `now`. */
export interface MemberChange {
  readonly path: string;
  readonly old?: MemberPlace;
  readonly now?: MemberPlace;
  /** True if it has the type that it had, and only another place or size. */
  readonly isSameType: boolean;
}

/** A constant of an enum that has another value. */
export interface ValueChange {
  readonly name: string;
  readonly old: bigint;
  readonly now: bigint;
}

/** The change of one type between two versions of a unit. */
export interface TypeChange {
  /** The name: "struct foo", "foo_t", or "enum { FOO }" for an enum that has no name. */
  readonly name: string;
  /** The sizes in bytes. */
  readonly old: number;
  readonly now: number;
  readonly members: readonly MemberChange[];
  readonly values: readonly ValueChange[];
  /** The names of the types that it contains. */
  readonly contains: ReadonlySet<string>;
}

/** The types of a unit before and after a patch. */
export interface TypeVersions {
  readonly before: TypeTable;
  readonly after: TypeTable;
}

/**
 * Returns the types that both versions have and that differ. Types and constants that only one of them has are no
 * change of what exists.
 * @throws ParseError.
 * @throws RebootlessError `limit`.
 */
export function typeChanges({ before, after }: TypeVersions): readonly TypeChange[] {
  const changeOf = changer(before, after);
  const [old, now] = [namedTypes(before), namedTypes(after)];
  const changes: TypeChange[] = [];
  for (const [name, types] of old.layouts) {
    const others = now.layouts.get(name) ?? [];
    // Functions may define different types of one name: each old one is paired with an equal new one first.
    const gone = types.find((one) => others.every((other) => changeOf(name, one, other) !== undefined));
    const come = others.find((other) => types.every((one) => changeOf(name, one, other) !== undefined));
    const change = gone && come && changeOf(name, gone, come);
    if (change !== undefined) changes.push(change);
  }
  return [...changes, ...constantChanges(old.constants, now.constants)];
}

type Change = (name: string, old: Aggregate | EnumType, now: Aggregate | EnumType) => TypeChange | undefined;

function changer(before: TypeTable, after: TypeTable): Change {
  const same = typeComparer(before, after);
  return (name, old, now) => {
    if (old.kind === "enum" || now.kind === "enum")
      return old.kind === "enum" && now.kind === "enum" ? enumChange(name, old, now) : undefined;
    const [fields, others] = [fieldsOf(before, old), fieldsOf(after, now)];
    const members = memberChanges(fields, others, same, before, after);
    if (members.length === 0 && old.size === now.size) return undefined;
    const names = (table: TypeTable, list: readonly LayoutField[]): readonly string[] =>
      list.flatMap(({ type }) => layoutNameOf(table, type) ?? []);
    const contains = new Set([...names(before, fields), ...names(after, others)]);
    return { name, old: old.size, now: now.size, members, values: [], contains };
  };
}

function memberChanges(
  fields: readonly LayoutField[],
  others: readonly LayoutField[],
  same: SameType,
  before: TypeTable,
  after: TypeTable,
): readonly MemberChange[] {
  const [old, now] = [byPath(fields), byPath(others)];
  const changes: MemberChange[] = [];
  for (const [path, field] of old) {
    const other = now.get(path);
    if (other === undefined) changes.push({ path, old: placeOf(before, field), isSameType: false });
    else {
      const isSameType = same(field.type, other.type) && field.width === other.width;
      const isSame = isSameType && field.at === other.at && field.size === other.size;
      if (isSame) continue;
      changes.push({ path, old: placeOf(before, field), now: placeOf(after, other), isSameType });
    }
  }
  for (const [path, field] of now)
    if (!old.has(path)) changes.push({ path, now: placeOf(after, field), isSameType: false });
  return changes;
}

const byPath = (fields: readonly LayoutField[]): ReadonlyMap<string, LayoutField> =>
  new Map(fields.map((field) => [field.path, field]));

function placeOf(table: TypeTable, { path, at, width, size, type }: LayoutField): MemberPlace {
  const name = path.split(".").at(-1) ?? path;
  const text = declaration(table, type, name) + (width === 0 ? "" : `:${width}`);
  return { text, at, width, size, pointer: declaration(table, type, `*${name}`) };
}

function enumChange(name: string, old: EnumType, now: EnumType): TypeChange | undefined {
  const values = valueChanges(old, now.values);
  if (values.length === 0 && old.size === now.size) return undefined;
  return { name, old: old.size, now: now.size, members: [], values, contains: new Set() };
}

const valueChanges = (old: EnumType, values: ReadonlyMap<string, bigint>): readonly ValueChange[] =>
  [...old.values].flatMap(([name, was]) => {
    const now = values.get(name);
    return now === undefined || now === was ? [] : { name, old: was, now };
  });

/** Returns the changes of enums without a name: their constants are looked up among all such enums of the unit. */
function constantChanges(old: readonly EnumType[], now: readonly EnumType[]): readonly TypeChange[] {
  const values = new Map(now.flatMap((one) => [...one.values]));
  return old.flatMap((one) => {
    const changed = valueChanges(one, values);
    const name = `enum { ${changed[0]?.name} }`;
    return changed.length === 0
      ? []
      : { name, old: one.size, now: one.size, members: [], values: changed, contains: new Set<string>() };
  });
}
