import { equalBytes } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { Piece, Reference, ReferenceTarget } from "../object/pieces.ts";
import type { TableEntry } from "../object/special_tables.ts";
import type { Version } from "../object/version.ts";
import type { Correlation } from "./correlate.ts";

/** A function that reports whether a piece of the old unit and one of the new unit mean the same. */
export type Compare = (old: Piece, now: Piece) => boolean;

/** The deepest nesting of constants without a name that refer to others. Compilers make only a few levels. */
const MAX_DEPTH = 500;

/**
 * The section of entries of struct _ddebug (include/linux/dynamic_debug.h). In an entry, a line number of 18
 * bits follows four pointers.
 */
const DEBUG_SECTION = "__dyndbg";
const DEBUG_LINE_AT = 32;

/**
 * Returns a function that compares content: bytes with references masked, and what they refer to. Pieces with
 * a name are the same if they are correlated, whatever they contain (they are compared themselves). Strings,
 * constants and code without a name are compared by content.
 */
export function comparer(before: Version, after: Version, { newOf }: Correlation): Compare {
  const known = new Map<string, boolean>();
  let depth = 0;
  const sameContent: Compare = (old, now) => {
    const key = `${old.index} ${now.index}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    if (depth === MAX_DEPTH)
      throw new RebootlessError("limit", `a chain of more than ${MAX_DEPTH} references from data to data`);
    known.set(key, true); // a piece that refers to itself is the same if the rest of it is
    depth++;
    const same = isSameContent(old, now);
    depth--;
    known.set(key, same);
    return same;
  };
  const isSameContent: Compare = (old, now) =>
    old.role === now.role &&
    old.size === now.size &&
    old.isWritable === now.isWritable &&
    equalBytes(comparable(old), comparable(now)) &&
    sameReferences(old.references, now.references) &&
    (old.role !== "code" || sameEntries(compared(before, old), compared(after, now)));
  const sameReferences = (old: readonly Reference[], now: readonly Reference[]): boolean =>
    old.length === now.length && old.every((reference, i) => sameReference(reference, now[i]));
  const sameReference = (old: Reference, now: Reference | undefined): boolean =>
    now !== undefined &&
    old.offset === now.offset &&
    sameType(old.type, now.type) &&
    old.bias === now.bias &&
    sameTarget(old.target, now.target);
  const sameTarget = (old: ReferenceTarget, now: ReferenceTarget): boolean => {
    if (old.kind === "symbol") {
      return now.kind === "symbol" && old.name === now.name && old.offset === now.offset;
    }
    if (now.kind === "symbol") return false;
    const oldPiece = before.unit.pieces[old.piece];
    const newPiece = after.unit.pieces[now.piece];
    if (oldPiece === undefined || newPiece === undefined) return false;
    if (oldPiece.role === "string" && newPiece.role === "string") {
      return sameText(oldPiece.bytes, old.offset, newPiece.bytes, now.offset);
    }
    if (old.offset !== now.offset || old.isEntry !== now.isEntry) return false;
    const pair = newOf.get(oldPiece);
    return pair === undefined
      ? isAnonymous(oldPiece, newPiece) && sameContent(oldPiece, newPiece)
      : pair === newPiece;
  };
  const sameEntries = (old: readonly TableEntry[], now: readonly TableEntry[]): boolean =>
    old.length === now.length &&
    old.every((entry, i) => {
      const other = now[i];
      return (
        other !== undefined &&
        entry.section.name === other.section.name &&
        entry.place === other.place &&
        equalBytes(withoutLine(entry), withoutLine(other)) &&
        sameReferences(entry.references, other.references)
      );
    });
  return sameContent;
}

/**
 * Reports whether both pieces are to be compared by content alone. Correlated data are not, and a writable
 * datum has an identity of its own.
 */
function isAnonymous(old: Piece, now: Piece): boolean {
  const isNameless = old.names.length === 0 && now.names.length === 0;
  return isNameless || (!old.isWritable && !now.isWritable) || (old.size === 0 && now.size === 0);
}

const compared = ({ entries }: Version, { index }: Piece): readonly TableEntry[] =>
  (entries.get(index) ?? []).filter(({ table }) => table.isCompared);

/** Reports whether two relocation types mean the same to a kernel, as PC32 and PLT32 do. */
const sameType = (a: number, b: number): boolean => a === b || (a | b) === 6;

const sameText = (old: Uint8Array, oldAt: number, now: Uint8Array, newAt: number): boolean =>
  equalBytes(old.subarray(Math.max(oldAt, 0)), now.subarray(Math.max(newAt, 0)));

function withoutLine({ bytes, table }: TableEntry): Uint8Array {
  const line = table.line?.(bytes);
  return line === undefined ? bytes : bytes.slice().fill(0, line.offset, line.offset + line.size);
}

function comparable({ bytes, section, size }: Piece): Uint8Array {
  if (section.name !== DEBUG_SECTION || size < DEBUG_LINE_AT + 4) return bytes;
  const copy = bytes.slice();
  copy.fill(0, DEBUG_LINE_AT, DEBUG_LINE_AT + 2);
  copy[DEBUG_LINE_AT + 2] = (copy[DEBUG_LINE_AT + 2] ?? 0) & 0xfc;
  return copy;
}
