import { ENDBR64 } from "../../../shared/x86/opcodes.ts";
import type { Piece } from "../object/pieces.ts";
import type { Version } from "./compare.ts";
import type { Correlation } from "./correlate.ts";
import { parentOf } from "./names.ts";

/** Whether a running kernel can redirect a function: it begins with a call of __fentry__. */
export const hasFentry = ({ entries }: Version, { index }: Piece): boolean =>
  (entries.get(index) ?? []).some(
    ({ section, place }) => section.name === "__mcount_loc" && place <= ENDBR64.length,
  );

/**
 * A changed function that cannot be redirected (`inline` and `notrace` ones that the compiler kept apart) is reached by
 * changing all that call it. That is possible where no more than calls from functions of the unit lead to it, in both versions.
 *
 * @param changed functions of the new version; the callers are added.
 * @returns those of them whose callers are all among them.
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
    // A caller that is gone was called by what changed itself.
    const kept = callers.flatMap((caller) => newOf.get(caller) ?? []);
    for (const caller of [...kept, ...newCallers]) if (oldOf.has(caller)) changed.add(caller);
  }
  return covered;
}

/** The functions that call a local one; undefined if it may be reached in another way. */
function callersOf({ unit }: Version, callee: Piece): readonly Piece[] | undefined {
  if (callee.isGlobal) return undefined;
  const users = new Set<Piece>();
  for (const piece of unit.pieces) {
    for (const { target, isBranch } of piece.references) {
      if (target.kind !== "piece" || target.piece !== callee.index) continue;
      if (piece.role !== "code" || piece.names.length === 0 || !isBranch) return undefined;
      users.add(piece);
    }
  }
  return [...users];
}
