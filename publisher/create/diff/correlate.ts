import { equalBytes, toHex } from "../../../shared/bytes.ts";
import { groupBy } from "../../../shared/group_by.ts";
import type { Piece, Unit } from "../object/pieces.ts";
import type { Version } from "../object/version.ts";
import { isContentOnly, stemOf } from "./names.ts";

/**
 * The pieces of the old unit and the pieces of the new one that stand for the same thing. Only pieces with a
 * name and an identity are in it.
 */
export interface Correlation {
  readonly newOf: ReadonlyMap<Piece, Piece>;
  readonly oldOf: ReadonlyMap<Piece, Piece>;
  /** The names (without numbers) of several data of the old unit that could not be told apart. */
  readonly ambiguous: ReadonlySet<string>;
}

/**
 * Correlates two versions of a unit by name. Clones with the same code are matched whatever their numbers, other
 * clones and static locals by their name without numbers if only one has it, and other static locals by the
 * functions and data that refer to them, in order.
 */
export function correlate(before: Version, after: Version): Correlation {
  const pairs = new Pairs();
  const old = namedPieces(before.unit);
  const now = namedPieces(after.unit);
  pairByKey(pairs, old, now, cloneKey);
  pairByKey(pairs, old, now, exactKey);
  pairByKey(pairs, old, now, ({ role, names }) => `${role} ${stemOf(names[0] ?? "")}`);
  pairClones(pairs, old, now);
  pairByReferences(pairs, before, after);
  const left = [...old].filter((piece) => piece.role === "data" && !pairs.newOf.has(piece));
  return { ...pairs, ambiguous: new Set(left.map(({ names }) => stemOf(names[0] ?? ""))) };
}

class Pairs {
  readonly newOf = new Map<Piece, Piece>();
  readonly oldOf = new Map<Piece, Piece>();
  add(old: Piece, now: Piece): boolean {
    if (this.newOf.has(old) || this.oldOf.has(now)) return false;
    this.newOf.set(old, now);
    this.oldOf.set(now, old);
    return true;
  }
}

const namedPieces = ({ pieces }: Unit): readonly Piece[] =>
  pieces.filter(({ names: [name] }) => name !== undefined && !isContentOnly(name));

/**
 * Returns the key by which a clone is found by its code, whatever its number. A clone that is new or gone moves
 * the numbers of the others.
 */
const cloneKey = ({ role, names: [name = ""], bytes }: Piece): string | undefined =>
  role === "code" && stemOf(name) !== name ? `${stemOf(name)} ${toHex(bytes)}` : undefined;

/**
 * Returns the key by which a piece is found under exactly its name, or undefined if it has none. Functions
 * keep their names except for numbers; a static local's name with its number says nothing.
 */
const exactKey = ({ role, names: [name = ""] }: Piece): string | undefined =>
  role === "code" || stemOf(name) === name ? `${role} ${name}` : undefined;

function pairByKey(
  pairs: Pairs,
  old: readonly Piece[],
  now: readonly Piece[],
  key: (piece: Piece) => string | undefined,
): void {
  const candidates = groupBy(
    now.filter((piece) => !pairs.oldOf.has(piece)),
    key,
  );
  for (const [name, group] of groupBy(
    old.filter((piece) => !pairs.newOf.has(piece)),
    key,
  )) {
    const [only, ...others] = candidates.get(name) ?? [];
    const [first] = group;
    if (only !== undefined && others.length === 0 && first !== undefined && group.length === 1)
      pairs.add(first, only);
  }
}

/**
 * Pairs the clones of one function whose numbers moved, each with the first one left that has the same size.
 */
function pairClones(pairs: Pairs, old: readonly Piece[], now: readonly Piece[]): void {
  const key = ({ role, names: [name = ""] }: Piece) => (role === "code" ? stemOf(name) : undefined);
  const candidates = groupBy(
    now.filter((piece) => !pairs.oldOf.has(piece)),
    key,
  );
  for (const [name, group] of groupBy(
    old.filter((piece) => !pairs.newOf.has(piece)),
    key,
  )) {
    const left = candidates.get(name) ?? [];
    for (const piece of group) {
      const same = left.find((other) => !pairs.oldOf.has(other) && other.size === piece.size);
      if (same !== undefined) pairs.add(piece, same);
    }
  }
}

/**
 * Pairs static locals by the pieces that refer to them, until no more are found: a static local may be known
 * only by a datum that is one too. Pieces that look equal go first.
 */
function pairByReferences(pairs: Pairs, before: Version, after: Version): void {
  const queue = [...pairs.newOf].sort(
    ([a, b], [c, d]) => Number(looksEqual(c, d)) - Number(looksEqual(a, b)),
  );
  for (const [old, now] of queue) {
    const candidates = unpairedLocals(now, after, pairs.oldOf);
    for (const [stem, locals] of unpairedLocals(old, before, pairs.newOf)) {
      const others = candidates.get(stem) ?? [];
      for (const [local, other] of aligned(locals, others))
        if (pairs.add(local, other)) queue.push([local, other]);
    }
  }
}

const looksEqual = (old: Piece, now: Piece): boolean =>
  old.references.length === now.references.length && equalBytes(old.bytes, now.bytes);

/**
 * Returns the static locals that a piece refers to, and those that only the entries of special tables about it
 * refer to: the key of a static branch is in its entry of the jump table alone.
 */
function unpairedLocals(
  piece: Piece,
  { unit, entries }: Version,
  paired: ReadonlyMap<Piece, Piece>,
): ReadonlyMap<string, readonly Piece[]> {
  const references = [piece, ...(entries.get(piece.index) ?? [])].flatMap((one) => one.references);
  const targets = references.flatMap(({ target }) => (target.kind === "piece" ? [target.piece] : []));
  const locals = [...new Set(targets)].flatMap((index) => unit.pieces[index] ?? []);
  return groupBy(
    locals.filter((local) => local.role === "data" && !paired.has(local)),
    ({ names: [name] }) => (name === undefined || isContentOnly(name) ? undefined : stemOf(name)),
  );
}

/**
 * Pairs pieces one after the other if both sides have equally many. Otherwise nothing tells which one was
 * added or removed, and state of the wrong one would be used.
 */
const aligned = (old: readonly Piece[], now: readonly Piece[]): readonly (readonly [Piece, Piece])[] =>
  old.length === now.length ? old.map((piece, i) => [piece, now[i] ?? piece] as const) : [];
