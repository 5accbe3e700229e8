import { CALLBACKS } from "../../module/target_objects.ts";
import type { Piece, Unit } from "../object/pieces.ts";
import { type ChangeRefusal, changeRefusal } from "./refusal.ts";

/**
 * Refuses new variables of the update that only init code would set up: it has run already, so the changed
 * code would find them empty. A hook of the unit may set them up instead. The variables of new parameters and
 * options have initial values that work.
 *
 * @param kept the pieces that go into the update.
 * @param added those of them that the kernel does not have.
 */
export function refuseSetUpByInit(
  unit: Unit,
  kept: ReadonlyMap<Piece, unknown>,
  added: readonly Piece[],
): readonly ChangeRefusal[] {
  const options = targetsFrom(unit, ".init.setup");
  const parameters = targetsFrom(unit, "__param");
  const initCode = unit.pieces.filter(
    (piece) => piece.section.name.startsWith(".init.text") && !options.has(piece),
  );
  const hooks = unit.pieces.filter(({ names }) => CALLBACKS.some((callback) => names.includes(callback)));
  const byInit = dataReached(unit, initCode, (code) => !kept.has(code));
  const byHooks = dataReached(unit, hooks, () => true);
  return added.flatMap((piece) => {
    const init = byInit.get(piece);
    if (init === undefined || !piece.isWritable || parameters.has(piece) || byHooks.has(piece)) return [];
    const [name = piece.section.name] = piece.names;
    const reason = `${init} would set it up, but runs only at the start, and the changed code uses it`;
    return changeRefusal("init", name, reason);
  });
}

const targetsOf = ({ pieces }: Unit, { references }: Piece): readonly Piece[] =>
  references.flatMap(({ target }) => (target.kind === "piece" ? (pieces[target.piece] ?? []) : []));

/** Returns what the entries of a section refer to. */
const targetsFrom = (unit: Unit, section: string): ReadonlySet<Piece> =>
  new Set(
    unit.pieces.filter((piece) => piece.section.name === section).flatMap((piece) => targetsOf(unit, piece)),
  );

/**
 * Returns the data that functions refer to, themselves or in functions that they call, each with the name of
 * the first of these functions.
 * @param follows whether the data of a function that is called count, too.
 */
function dataReached(
  unit: Unit,
  roots: readonly Piece[],
  follows: (code: Piece) => boolean,
): ReadonlyMap<Piece, string> {
  const reached = new Map<Piece, string>();
  const queue = roots.map((piece) => ({ piece, from: piece.names[0] ?? piece.section.name }));
  const passed = new Set(roots);
  for (const { piece, from } of queue) {
    for (const target of targetsOf(unit, piece)) {
      if (target.role !== "code") {
        if (!reached.has(target)) reached.set(target, from);
      } else if (!passed.has(target) && follows(target)) {
        passed.add(target);
        queue.push({ piece: target, from });
      }
    }
  }
  return reached;
}
