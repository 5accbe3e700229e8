import type { TypeTable, UnitType } from "./type_table.ts";

/** The deepest type that is written out. Nothing in the kernel is deeper than 6. */
const MAX_WRITTEN = 12;

/**
 * Writes a declaration in C: "int (*state)[4]" for an array of 4 numbers and the declarator "*state". Structures
 * without a name, and what is too deep, are written as `...`.
 */
export function declaration(table: TypeTable, number: number, declarator: string, depth = 0): string {
  if (depth > MAX_WRITTEN) return join("...", declarator);
  const type = table.at(number);
  const inner = (target: number, text: string): string => declaration(table, target, text, depth + 1);
  switch (type.kind) {
    case "pointer":
      return inner(type.type, `*${declarator}`);
    case "array":
      return inner(type.type, `${grouped(declarator)}[${type.length}]`);
    case "prototype":
      return inner(type.result, `${grouped(declarator)}(${parametersOf(table, type.parameters, depth)})`);
    case "qualifier":
      return table.at(type.type).kind === "pointer"
        ? inner(type.type, join(type.word, declarator))
        : join(type.word, inner(type.type, declarator));
    default:
      return join(nameOf(type), declarator);
  }
}

const grouped = (declarator: string): string => (declarator.startsWith("*") ? `(${declarator})` : declarator);

const join = (left: string, right: string): string => [left, right].filter((part) => part !== "").join(" ");

function parametersOf(table: TypeTable, parameters: readonly number[], depth: number): string {
  if (parameters.length === 0) return "void";
  return parameters.map((one) => (one === 0 ? "..." : declaration(table, one, "", depth + 1))).join(", ");
}

function nameOf(type: UnitType): string {
  if (type.kind === "struct" || type.kind === "union" || type.kind === "enum")
    return `${type.kind} ${type.name === "" ? "{ ... }" : type.name}`;
  if (type.kind === "forward") return `${type.of} ${type.name}`;
  if (type.kind === "void") return "void";
  return "name" in type ? type.name : "...";
}
