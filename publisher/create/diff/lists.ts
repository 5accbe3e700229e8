import { groupBy } from "../../../shared/group_by.ts";
import type { Piece } from "../object/pieces.ts";
import type { Version } from "../object/version.ts";
import type { Compare } from "./compare.ts";

/**
 * Returns the names of lists that differ: sections of entries without names that nothing in the unit refers
 * to (`.pci_fixup_final`). The kernel reads them when it or a module starts.
 */
export function changedLists(before: Version, after: Version, same: Compare): readonly string[] {
  const [old, now] = [unreferenced(before), unreferenced(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.filter((name) => !sameLists(old.get(name) ?? [], now.get(name) ?? [], same));
}

function unreferenced({ unit }: Version): ReadonlyMap<string, readonly Piece[]> {
  const referred = new Set(
    unit.pieces.flatMap(({ references }) =>
      references.flatMap(({ target }) => (target.kind === "piece" ? [target.piece] : [])),
    ),
  );
  const isEmpty = ({ bytes, references }: Piece): boolean =>
    references.length === 0 && bytes.every((byte) => byte === 0);
  const lists = unit.pieces.filter(
    (piece) =>
      piece.role === "data" && piece.names.length === 0 && !referred.has(piece.index) && !isEmpty(piece),
  );
  return groupBy(lists, ({ section }) => section.name);
}

const sameLists = (old: readonly Piece[], now: readonly Piece[], same: Compare): boolean =>
  old.length === now.length && old.every((piece, i) => now[i] !== undefined && same(piece, now[i]));
