import type { UpdateId } from "../brand.ts";
import { byPublication, depthFirst, type Visit } from "./order.ts";
import { Superseding } from "./superseding.ts";
import type { Update } from "./update.ts";

/**
 * The applied updates in the order in which they can be undone: each before what it depends on. `wanted` is
 * widened by every applied update that would be left without something that it depends on.
 */
export function orderUndo(
  all: readonly Update[],
  applied: ReadonlySet<UpdateId>,
  wanted: ReadonlySet<UpdateId>,
): readonly Update[] {
  const superseding = new Superseding(all);
  const standing = dependenciesFirst(
    all.filter((update) => applied.has(update.id)),
    superseding,
  );
  const left = new Set([...applied].filter((id) => !wanted.has(id)));
  const bare = (needed: UpdateId) => superseding.met(needed, applied) && !superseding.met(needed, left);
  const undone = new Set<UpdateId>();
  // Where dependencies go round in a circle one pass does not reach everything.
  for (let before = -1; before < undone.size; ) {
    before = undone.size;
    for (const { id, depends } of standing) {
      if (!wanted.has(id) && !depends.some(bare)) continue;
      undone.add(id);
      left.delete(id);
    }
  }
  return standing.filter((update) => undone.has(update.id)).reverse();
}

/**
 * Leaves nothing out, unlike `orderUpdates`: a manifest that changed since, by a dependency that is not applied,
 * a recall or a circle, must not keep what is in the kernel from being taken out of it.
 */
function dependenciesFirst(standing: readonly Update[], superseding: Superseding): readonly Update[] {
  const byId = new Map(standing.map((update) => [update.id, update]));
  const inOrder = new Set<Update>();
  const seen = new Set<Update>();
  function* visit(update: Update): Visit {
    if (seen.has(update)) return;
    seen.add(update);
    for (const id of update.depends) {
      for (const other of superseding.meeting(id)) {
        const needed = byId.get(other);
        if (needed) yield needed;
      }
    }
    inOrder.add(update);
  }
  depthFirst([...standing].sort(byPublication), visit);
  return [...inOrder];
}
