import { exportedNames } from "../object/exports.ts";
import type { Piece, Unit } from "../object/pieces.ts";
import type { Version } from "../object/version.ts";
import type { Compare } from "./compare.ts";

/** A list that the kernel goes through when it or a module starts, and never again. */
interface StartList {
  readonly section: RegExp;
  /** What an entry registers, in front of its name. */
  readonly what: string;
  /** Returns the name of what an entry registers. */
  readonly nameOf: (entry: Piece, unit: Unit) => string;
  /** What follows for a new entry, and for one that changed. */
  readonly added: string;
  readonly changed: string;
}

const without =
  (prefix: string) =>
  ({ names: [name = ""] }: Piece): string =>
    name.startsWith(prefix) ? name.slice(prefix.length) : name;

/** Returns what the first reference of an entry leads to. */
function first({ references: [reference] }: Piece, { pieces }: Unit): Piece | string | undefined {
  const target = reference?.target;
  return target?.kind === "symbol" ? target.name : pieces[target?.piece ?? -1];
}

const firstName = (entry: Piece, unit: Unit): string => {
  const found = first(entry, unit);
  return (typeof found === "string" ? found : found?.names[0]) ?? entry.names[0] ?? "";
};

const firstText = (entry: Piece, unit: Unit): string => {
  const found = first(entry, unit);
  return found === undefined || typeof found === "string" ? firstName(entry, unit) : textOf(found);
};

/** The longest name that is shown, in characters. */
const MAX_TEXT = 64;

const textOf = ({ bytes }: Piece): string => {
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, MAX_TEXT));
  return String.fromCharCode(...text);
};

const LISTS: readonly StartList[] = [
  {
    section: /^__param$/,
    what: "the parameter",
    nameOf: without("__param_"),
    added: "nobody can set it, and its variable keeps its initial value",
    changed: "its old type, permissions and functions stay in force",
  },
  {
    section: /^\.init\.setup$/,
    what: "the option",
    nameOf: firstText,
    added: "the kernel has read its command line, so the option is never seen",
    changed: "the kernel has read its command line, so the change has no effect",
  },
  {
    section: /initcall/,
    what: "the initcall",
    nameOf: firstName,
    added: "initcalls have run, so it is never called",
    changed: "initcalls have run, so the change has no effect",
  },
  {
    section: /^__tracepoints$/,
    what: "the tracepoint",
    nameOf: without("__tracepoint_"),
    added: "tracers never see it, so it stays off",
    changed: "the old one stays in force",
  },
];

/**
 * Returns a sentence about each entry of such a list that is new, has changed or is gone, and about each export:
 * a live patch cannot bring them.
 */
export function registrationNotes(before: Version, after: Version, same: Compare): readonly string[] {
  return [
    ...LISTS.flatMap((list) => listNotes(list, before, after, same)),
    ...exportNotes(before.unit, after.unit),
  ];
}

export const isStartList = ({ section }: Piece): boolean =>
  LISTS.some((list) => list.section.test(section.name));

function listNotes(list: StartList, before: Version, after: Version, same: Compare): readonly string[] {
  const [old, now] = [entriesOf(list, before.unit), entriesOf(list, after.unit)];
  const { what, added, changed } = list;
  return [
    ...[...now].flatMap(([name, entry]) => {
      const known = old.get(name);
      if (known === undefined) return `${what} ${name} is new: ${added}`;
      return same(known, entry) ? [] : `${what} ${name} has changed: ${changed}`;
    }),
    ...[...old.keys()].filter((name) => !now.has(name)).map((name) => `${what} ${name} is gone: it stays`),
  ];
}

const entriesOf = ({ section, nameOf }: StartList, unit: Unit): ReadonlyMap<string, Piece> =>
  new Map(
    unit.pieces
      .filter((piece) => section.test(piece.section.name) && piece.role === "data" && piece.names.length > 0)
      .map((piece) => [nameOf(piece, unit), piece]),
  );

function exportNotes(before: Unit, after: Unit): readonly string[] {
  const [old, now] = [exportedNames(before.object.symbols), exportedNames(after.object.symbols)];
  return [
    ...[...now]
      .filter((name) => !old.has(name))
      .map((name) => `the export ${name} is new: only this update can use it, no module that is built later`),
    ...[...old].filter((name) => !now.has(name)).map((name) => `the export ${name} is gone: it stays`),
  ];
}
