import { ENDBR64 } from "../../../shared/x86/opcodes.ts";
import type { Piece } from "../object/pieces.ts";
import type { Version } from "../object/version.ts";
import type { Correlation } from "./correlate.ts";
import { parentOf } from "./names.ts";

/**
 * Reports whether a running kernel can redirect a function, which is so if it begins with a call of
 * __fentry__.
 */
export const hasFentry = ({ entries }: Version, { index }: Piece): boolean =>
  (entries.get(index) ?? []).some(
    ({ section, place }) => section.name === "__mcount_loc" && place <= ENDBR64.length,
  );

/**
 * Covers changed functions that cannot be redirected (`inline` and `notrace` ones that the compiler emitted
 * separately) by changing all functions that call them. That is possible where only calls from functions of
 * the unit lead to them, in both versions.
 *
 * @param changed functions of the new version; the callers are added to it.
 * @returns those of these functions whose callers are all among the changed ones.
 */
export function coverByCallers(
  changed: Set<Piece>,
  before: Version,
  after: Version,
  { newOf, oldOf }: Correlation,
): ReadonlySet<Piece> {
  const covered = new Set<Piece>();
  for (const piece of changed) {
    const old = oldOf.get(piece);
    if (old === undefined || hasFentry(before, old) || parentOf(old.names[0] ?? "") !== undefined) continue;
    const callers = callersOf(before, old);
    const newCallers = callersOf(after, piece);
    if (callers === undefined || newCallers === undefined) continue;
    covered.add(piece);
    // A caller that no longer exists was called by code that has changed itself.
    const kept = callers.flatMap((caller) => newOf.get(caller) ?? []);
    for (const caller of [...kept, ...newCallers]) if (oldOf.has(caller)) changed.add(caller);
  }
  return covered;
}

/** Returns the functions that call a local one, or undefined if it may be reached in another way. */
function callersOf({ unit }: Version, callee: Piece): readonly Piece[] | undefined {
  if (callee.isGlobal) return undefined;
  const users = new Set<Piece>();
  for (const piece of unit.pieces) {
    for (const { target, isBranch } of piece.references) {
      if (target.kind !== "piece" || target.piece !== callee.index || target.isEntry) continue;
      if (piece.role !== "code" || piece.names.length === 0 || !isBranch) return undefined;
      users.add(piece);
    }
  }
  return [...users];
}
