import type { ObjectName } from "../../../shared/brand.ts";
import { counted } from "../../../shared/counted.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { correlate } from "../diff/correlate.ts";
import type { Piece, Unit } from "../object/pieces.ts";
import { openVersion } from "../object/version.ts";
import type { UnitPair } from "../unit_pair.ts";
import { disassemble, type ListedInstruction, type ObjectListing } from "./objdump.ts";
import { type SideBySide, sideBySide } from "./side_by_side.ts";

/** The most functions that a page shows. A stable release of the kernel changes some 300. */
const MAX_SHOWN_FUNCTIONS = 400;
/** The most bytes of code that a page shows of all functions, before or after. An instruction has 4. */
const MAX_SHOWN_CODE = 512 << 10;

/** An instruction of a function. */
export interface ShownLine {
  /** The offset in the function, in bytes. */
  readonly at: number;
  readonly text: string;
  /** The relocations, with the strings that they lead to. */
  readonly relocations: readonly string[];
}

/** A function before and after a patch. */
export interface ComparedFunction {
  readonly name: string;
  readonly source: string;
  readonly object: ObjectName;
  /** The sizes in bytes; 0 before for a function that is new. */
  readonly oldSize: number;
  readonly nowSize: number;
  readonly rows: readonly SideBySide<ShownLine>[];
}

/** The functions of an update, and sentences about those that are not shown. */
export interface ComparedFunctions {
  readonly functions: readonly ComparedFunction[];
  readonly notes: readonly string[];
}

/** A unit, and the functions of its new version that are to be shown. */
export interface ShownUnit {
  readonly pair: UnitPair;
  readonly names: readonly string[];
}

/** Disassembles the functions of units before and after a patch. What cannot be shown is said. */
export async function compareFunctions(units: readonly ShownUnit[]): Promise<ComparedFunctions> {
  const functions: ComparedFunction[] = [];
  const notes: string[] = [];
  const room = { functions: MAX_SHOWN_FUNCTIONS, code: MAX_SHOWN_CODE };
  for (const { pair, names } of units) {
    if (names.length === 0) continue;
    try {
      const wanted = functionsOf(pair, names);
      const shown = wanted.filter((one) => fits(room, one));
      if (shown.length < wanted.length)
        notes.push(
          `${counted(wanted.length - shown.length, "function")} of ${pair.source} ${shown.length < wanted.length - 1 ? "are" : "is"} not shown, because this page would be too large.`,
        );
      functions.push(...(await compared(pair, shown)));
    } catch (error) {
      if (!(error instanceof RebootlessError || error instanceof ParseError)) throw error;
      notes.push(`The functions of ${pair.source} are not shown: ${error.message}.`);
    }
  }
  return { functions, notes };
}

/** A function of the new unit, and what it was in the old one. */
interface FoundFunction {
  readonly name: string;
  readonly old: Piece | undefined;
  readonly now: Piece;
  readonly units: { readonly old: Unit; readonly now: Unit };
}

function functionsOf(pair: UnitPair, names: readonly string[]): readonly FoundFunction[] {
  const [before, after] = [openVersion(pair.before), openVersion(pair.after)];
  const { oldOf } = correlate(before, after);
  const wanted = new Set(names);
  const units = { old: before.unit, now: after.unit };
  return after.unit.pieces.flatMap((now) => {
    const [name] = now.names;
    if (now.role !== "code" || name === undefined || !wanted.has(name)) return [];
    return { name, old: oldOf.get(now), now, units };
  });
}

function fits(room: { functions: number; code: number }, { old, now }: FoundFunction): boolean {
  const size = Math.max(old?.size ?? 0, now.size);
  if (room.functions === 0 || room.code < size) return false;
  room.functions -= 1;
  room.code -= size;
  return true;
}

async function compared(
  { source, object, before, after }: UnitPair,
  found: readonly FoundFunction[],
): Promise<readonly ComparedFunction[]> {
  const sections = (pieces: readonly (Piece | undefined)[]): ReadonlySet<string> =>
    new Set(pieces.flatMap((piece) => piece?.section.name ?? []));
  const old = await disassemble(before, sections(found.map((one) => one.old)));
  const now = await disassemble(after, sections(found.map((one) => one.now)));
  const functions: ComparedFunction[] = [];
  for (const one of found) {
    const left = one.old === undefined ? [] : shownLines(one.old, one.units.old, old);
    const right = shownLines(one.now, one.units.now, now);
    functions.push({
      name: one.name,
      source,
      object,
      oldSize: one.old?.size ?? 0,
      nowSize: one.now.size,
      rows: await sideBySide(left, right, comparedText),
    });
  }
  return functions;
}

function shownLines(piece: Piece, unit: Unit, listing: ObjectListing): readonly ShownLine[] {
  const { start, size, section } = piece;
  const strings = new Map(
    piece.references.flatMap(({ offset, target }) => {
      const string = target.kind === "piece" ? unit.pieces[target.piece] : undefined;
      return string?.role === "string" ? [[offset, textOf(string)] as const] : [];
    }),
  );
  return (listing.get(section.name) ?? [])
    .filter(({ at }) => at >= start && at < start + size)
    .map(({ at, text, relocations }: ListedInstruction) => ({
      at: at - start,
      text,
      relocations: relocations.map((one) => {
        const string = strings.get(one.at - start);
        return string === undefined ? one.text : `${one.text} ${JSON.stringify(string)}`;
      }),
    }));
}

const textOf = ({ bytes }: Piece): string => {
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString("latin1");
};

/**
 * Returns what tells an instruction from another one wherever they are: without the targets of jumps within the function
 * and the places in sections, which move with everything before them.
 */
export function comparedText({ text, relocations }: ShownLine): string {
  const code = text.replaceAll(/\b[0-9a-f]+ <([^>+]*)(?:\+0x[0-9a-f]+)?>/g, "<$1>");
  const moved = relocations.map((one) => one.replace(/ (\.[^\s"+-]+)[+-]0x[0-9a-f]+/, " $1"));
  return [code, ...moved].join(" ; ").replaceAll(/[\r\n]/g, " ");
}
