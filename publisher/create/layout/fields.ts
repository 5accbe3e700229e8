import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import type { TypeTable, UnitType } from "./type_table.ts";

/** The most members of one structure, those of the structures without a name in it included. */
const MAX_FIELDS = 100_000;
/** The deepest nesting of types in types. */
const MAX_NESTING = 64;

/** A structure or union whose members are known. */
export type Aggregate = Extract<UnitType, { readonly kind: "struct" | "union" }>;

/** A member, or a member of a structure without a name that is a member. */
export interface LayoutField {
  /** The name, with the names before it: "state", "latency.target". */
  readonly path: string;
  /** The offset from the start of the outermost structure, in bits. */
  readonly at: number;
  /** The width of a bit-field in bits, or 0. */
  readonly width: number;
  /** The size in bytes. */
  readonly size: number;
  readonly type: number;
}

/**
 * Lists the members of a structure. Those of a structure without a name count as its own, at their offsets in it.
 * @throws ParseError if it nests without an end.
 * @throws RebootlessError `limit`.
 */
export function fieldsOf(table: TypeTable, aggregate: Aggregate): readonly LayoutField[] {
  const fields: LayoutField[] = [];
  let visited = 0;
  const visit = ({ members }: Aggregate, prefix: string, base: number, depth: number): void => {
    requireNesting(depth);
    for (const { name, type, at, width } of members) {
      visited++;
      if (visited > MAX_FIELDS)
        throw new RebootlessError("limit", `a structure with more than ${MAX_FIELDS} members`);
      const inner = namelessIn(table, type);
      const path = prefix + name;
      if (inner !== undefined) visit(inner, name === "" ? prefix : `${path}.`, base + at, depth + 1);
      else if (name !== "") fields.push({ path, at: base + at, width, size: sizeOf(table, type), type });
    }
  };
  visit(aggregate, "", 0, 0);
  return fields;
}

/** Returns the structure or union that a member is, if that has no name of its own and no typedef. */
function namelessIn(table: TypeTable, number: number): Aggregate | undefined {
  let type = table.at(number);
  for (let i = 0; type.kind === "qualifier"; i++) {
    requireNesting(i);
    type = table.at(type.type);
  }
  return (type.kind === "struct" || type.kind === "union") && type.name === "" ? type : undefined;
}

/** Returns the size of a type in bytes. It is 0 for what has none, such as `void` and functions. */
export function sizeOf(table: TypeTable, number: number, depth = 0): number {
  requireNesting(depth);
  const type = table.plain(number);
  if (type.kind === "pointer") return 8;
  if (type.kind === "array") return type.length * sizeOf(table, type.type, depth + 1);
  return "size" in type ? type.size : 0;
}

/** @throws ParseError for types that contain each other without an end. */
export function requireNesting(depth: number): void {
  if (depth > MAX_NESTING) throw new ParseError(`BTF: types that nest more than ${MAX_NESTING} deep`);
}
