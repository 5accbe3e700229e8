import { parentOf } from "../diff/names.ts";
import type { Piece, Unit } from "../object/pieces.ts";

/** Returns each function with its `.cold` parts, and each part with its function. */
export function functionParts({ pieces }: Unit): ReadonlyMap<Piece, readonly Piece[]> {
  const functions = pieces.filter(({ role, names }) => role === "code" && names.length > 0);
  const byName = new Map(functions.flatMap((piece) => piece.names.map((name) => [name, piece] as const)));
  const parts = new Map<Piece, Piece[]>();
  const add = (piece: Piece, part: Piece): void => {
    const list = parts.get(piece);
    if (list === undefined) parts.set(piece, [part]);
    else list.push(part);
  };
  for (const piece of functions) {
    const parent = byName.get(parentOf(piece.names[0] ?? "") ?? "");
    if (parent === undefined) continue;
    add(piece, parent);
    add(parent, piece);
  }
  return parts;
}
