import { RebootlessError } from "../../../shared/errors.ts";
import { type Aggregate, requireNesting } from "./fields.ts";
import type { TypeTable, UnitType } from "./type_table.ts";

/** The most types of one name in a unit. Each needs a scope of its own. */
const MAX_NAMESAKES = 64;

export type EnumType = Extract<UnitType, { readonly kind: "enum" }>;

/** The types of a unit that have a layout and that two versions of the unit have in common. */
export interface NamedTypes {
  /**
   * The structures, unions and enums by name: "struct foo", and "foo_t" for the typedef of one without a name.
   * Functions may define types of one name, so there may be several.
   */
  readonly layouts: ReadonlyMap<string, readonly (Aggregate | EnumType)[]>;
  /** The enums without a name or typedef. Their constants tell them apart. */
  readonly constants: readonly EnumType[];
}

/** Returns the types of a unit that have a name. @throws ParseError. */
export function namedTypes(table: TypeTable): NamedTypes {
  const layouts = new Map<string, (Aggregate | EnumType)[]>();
  const named = new Set<UnitType>();
  const add = (name: string, type: Aggregate | EnumType): void => {
    named.add(type);
    const list = layouts.get(name);
    if (list === undefined) layouts.set(name, [type]);
    else if (!list.includes(type)) list.push(type);
    if (list !== undefined && list.length > MAX_NAMESAKES)
      throw new RebootlessError("limit", `a unit with more than ${MAX_NAMESAKES} types of the name ${name}`);
  };
  for (const type of table.types) {
    if (hasLayout(type) && type.name !== "") add(`${type.kind} ${type.name}`, type);
    if (type.kind !== "typedef") continue;
    const target = table.plain(type.type);
    if (hasLayout(target) && target.name === "") add(type.name, target);
  }
  const isConstants = (type: UnitType): type is EnumType => type.kind === "enum" && !named.has(type);
  return { layouts, constants: table.types.filter(isConstants) };
}

const hasLayout = (type: UnitType): type is Aggregate | EnumType =>
  type.kind === "struct" || type.kind === "union" || type.kind === "enum";

/**
 * Returns the name, as in `NamedTypes.layouts`, of the type that a member is or is an array of; or undefined for a
 * number, a pointer and whatever else has no layout.
 * @throws ParseError.
 */
export function layoutNameOf(table: TypeTable, number: number, depth = 0): string | undefined {
  requireNesting(depth);
  const type = table.at(number);
  if (type.kind === "array" || type.kind === "qualifier") return layoutNameOf(table, type.type, depth + 1);
  if (type.kind === "typedef")
    return (
      layoutNameOf(table, type.type, depth + 1) ?? (hasLayout(table.plain(number)) ? type.name : undefined)
    );
  return hasLayout(type) && type.name !== "" ? `${type.kind} ${type.name}` : undefined;
}
