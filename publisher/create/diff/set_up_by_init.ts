import type { Piece, Unit } from "../object/pieces.ts";
import { type ChangeRefusal, changeRefusal } from "./refusal.ts";

/**
 * Refuses new variables of the update that only init code would set up: it has run already, so the changed
 * code would find them empty. The variables of new parameters and options have initial values that work.
 *
 * @param kept the pieces that go into the update.
 * @param added those of them that the kernel does not have.
 */
export function refuseSetUpByInit(
  unit: Unit,
  kept: ReadonlyMap<Piece, unknown>,
  added: readonly Piece[],
): readonly ChangeRefusal[] {
  const reached = reachedFromInit(unit, kept);
  return added
    .filter((piece) => piece.role === "data" && piece.isWritable && reached.has(piece))
    .map((piece) =>
      changeRefusal(
        "init",
        piece.names[0] ?? "",
        `${reached.get(piece)} would set it up, but runs only at the start, and the changed code uses it`,
      ),
    );
}

/**
 * Returns the data that init code refers to, itself or in functions that it calls, each with the name of the
 * init function. The data of parameters and what the functions of options refer to are left out.
 */
function reachedFromInit(unit: Unit, kept: ReadonlyMap<Piece, unknown>): ReadonlyMap<Piece, string> {
  const targetsOf = ({ references }: Piece): readonly Piece[] =>
    references.flatMap(({ target }) => (target.kind === "piece" ? (unit.pieces[target.piece] ?? []) : []));
  const options = new Set(
    unit.pieces.filter(({ section }) => section.name === ".init.setup").flatMap(targetsOf),
  );
  const parameters = new Set(
    unit.pieces.filter(({ section }) => section.name === "__param").flatMap(targetsOf),
  );
  const reached = new Map<Piece, string>();
  const queue = unit.pieces
    .filter((piece) => piece.section.name.startsWith(".init.text") && !options.has(piece))
    .map((piece) => ({ piece, from: piece.names[0] ?? piece.section.name }));
  const passed = new Set(queue.map(({ piece }) => piece));
  for (const { piece, from } of queue) {
    for (const target of targetsOf(piece)) {
      if (target.role === "code") {
        if (kept.has(target) || passed.has(target)) continue;
        passed.add(target);
        queue.push({ piece: target, from });
      } else if (!parameters.has(target) && !reached.has(target)) reached.set(target, from);
    }
  }
  return reached;
}
