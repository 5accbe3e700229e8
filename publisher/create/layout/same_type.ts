import { type Aggregate, fieldsOf, requireNesting } from "./fields.ts";
import type { TypeTable, UnitType } from "./type_table.ts";

/** A function that reports whether a type of the old unit and one of the new unit mean the same to an object that exists. */
export type SameType = (old: number, now: number) => boolean;

type Tagged = Extract<UnitType, { readonly kind: "struct" | "union" | "forward" }>;

/**
 * Returns a function that compares the types of members. Typedefs and qualifiers mean nothing. Numbers are the same if
 * they have the same size, signed or not, except that a `bool` is not a number and a number is not an address. A
 * structure is the same as any of its name, since its own change is found where it is defined, and as one of another
 * name with the same members. A pointer is the same if it leads to the same, or if one of the two leads to `void`.
 */
export function typeComparer(before: TypeTable, after: TypeTable): SameType {
  const known = new Map<string, boolean>();
  const same = (oldNumber: number, newNumber: number, depth: number): boolean => {
    requireNesting(depth);
    const key = `${oldNumber} ${newNumber}`;
    const answer = known.get(key);
    if (answer !== undefined) return answer;
    known.set(key, true); // types that lead to each other are the same if the rest of them is
    const found = isSame(before.plain(oldNumber), after.plain(newNumber), depth + 1);
    known.set(key, found);
    return found;
  };
  const isSame = (old: UnitType, now: UnitType, depth: number): boolean => {
    if (isTagged(old) && isTagged(now)) return sameTagged(old, now, depth);
    if (isNumber(old) && isNumber(now)) return old.size === now.size && formOf(old) === formOf(now);
    if (old.kind === "pointer" && now.kind === "pointer") return sameTarget(old.type, now.type, depth);
    if (old.kind === "array" && now.kind === "array")
      return old.length === now.length && same(old.type, now.type, depth);
    if (old.kind === "prototype" && now.kind === "prototype") {
      return (
        same(old.result, now.result, depth) &&
        old.parameters.length === now.parameters.length &&
        old.parameters.every((parameter, i) => same(parameter, now.parameters[i] ?? 0, depth))
      );
    }
    return old.kind === now.kind && (old.kind === "void" || old.kind === "other");
  };
  const sameTarget = (oldNumber: number, newNumber: number, depth: number): boolean =>
    before.plain(oldNumber).kind === "void" ||
    after.plain(newNumber).kind === "void" ||
    same(oldNumber, newNumber, depth);
  const sameTagged = (old: Tagged, now: Tagged, depth: number): boolean => {
    if (tagOf(old) !== tagOf(now)) return false;
    if (old.name !== "" && old.name === now.name) return true;
    return old.kind !== "forward" && now.kind !== "forward" && sameMembers(old, now, depth);
  };
  const sameMembers = (old: Aggregate, now: Aggregate, depth: number): boolean => {
    const [fields, others] = [fieldsOf(before, old), fieldsOf(after, now)];
    return (
      old.size === now.size &&
      fields.length === others.length &&
      fields.every((field, i) => {
        const other = others[i];
        return (
          other !== undefined &&
          field.path === other.path &&
          field.at === other.at &&
          field.width === other.width &&
          same(field.type, other.type, depth)
        );
      })
    );
  };
  return (old, now) => same(old, now, 0);
}

const isTagged = (type: UnitType): type is Tagged =>
  type.kind === "struct" || type.kind === "union" || type.kind === "forward";

const tagOf = (type: Tagged): "struct" | "union" => (type.kind === "forward" ? type.of : type.kind);

type NumberType = Extract<UnitType, { readonly kind: "number" | "enum" }>;
const isNumber = (type: UnitType): type is NumberType => type.kind === "number" || type.kind === "enum";
const formOf = (type: NumberType): string => (type.kind === "enum" ? "integer" : type.form);
