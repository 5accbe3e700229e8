import type { UpdateId } from "../../shared/brand.ts";
import { Superseding } from "../../shared/feed/superseding.ts";
import type { Update } from "../../shared/feed/update.ts";
import { groupBy } from "../../shared/group_by.ts";
import { byPublication, depthFirst, type Visit } from "./order.ts";

/**
 * Returns updates in the order in which they can be undone, each before those that it depends on. Applied updates that
 * would be left without something that they depend on are undone with those that are wanted.
 */
export function orderUndo(
  all: readonly Update[],
  applied: ReadonlySet<UpdateId>,
  wanted: ReadonlySet<UpdateId>,
): readonly Update[] {
  const superseding = new Superseding(all);
  const updates = dependenciesFirst(
    all.filter((update) => applied.has(update.id)),
    superseding,
  );
  const left = new Set([...applied].filter((id) => !wanted.has(id)));
  const isUnmet = (needed: UpdateId) => superseding.met(needed, applied) && !superseding.met(needed, left);
  const undone = new Set<UpdateId>();
  // If dependencies form a circle, one pass does not find everything.
  for (let before = -1; before < undone.size; ) {
    before = undone.size;
    for (const { id, depends } of updates) {
      if (!wanted.has(id) && !depends.some(isUnmet)) continue;
      undone.add(id);
      left.delete(id);
    }
  }
  return updates.filter((update) => undone.has(update.id)).reverse();
}

/**
 * Orders applied updates, dependencies first. Unlike `orderUpdates` it leaves none out: the manifest may have changed since
 * (a dependency that is not applied, a recall, a circle), and that must not prevent an undo.
 */
function dependenciesFirst(updates: readonly Update[], superseding: Superseding): readonly Update[] {
  const depths = dependencyDepths(updates, superseding);
  const meeting = earliestMeeting(updates, superseding, depths);
  const inOrder = new Set<Update>();
  const seen = new Set<Update>();
  function* visit(update: Update): Visit {
    if (seen.has(update)) return;
    seen.add(update);
    for (const id of update.depends) {
      const needed = meeting.get(id);
      if (needed) yield needed;
    }
    inOrder.add(update);
  }
  depthFirst([...updates].sort(byPublication), visit);
  return [...inOrder];
}

/**
 * Returns the number of steps of dependencies between each update and one without dependencies. Updates in a circle, and
 * those that depend on one, have no number. If several updates meet a dependency, one of them may itself depend on the
 * update that has the dependency; the one with the lowest number never does.
 */
function dependencyDepths(
  updates: readonly Update[],
  superseding: Superseding,
): ReadonlyMap<UpdateId, number> {
  const applied = new Set(updates.map(({ id }) => id));
  const needsOf = ({ depends }: Update) => new Set(depends.filter((id) => superseding.met(id, applied)));
  const unmet = new Map(updates.map((update) => [update, needsOf(update)]));
  const needs = [...unmet].flatMap(([update, ids]) => [...ids].map((id) => ({ id, update })));
  const waiting = groupBy(needs, ({ id }) => id);
  const depths = new Map<UpdateId, number>();
  let next = updates.filter((update) => unmet.get(update)?.size === 0);
  for (let step = 0; next.length > 0; step++) {
    const now = next;
    next = [];
    for (const { id } of now) {
      depths.set(id, step);
      for (const met of [id, ...superseding.neededNoMore(id)]) {
        for (const { update } of waiting.get(met) ?? []) {
          const left = unmet.get(update);
          if (left?.delete(met) && left.size === 0) next.push(update);
        }
        waiting.delete(met);
      }
    }
  }
  return depths;
}

/** Returns for each dependency the update with the lowest depth that meets it. */
function earliestMeeting(
  updates: readonly Update[],
  superseding: Superseding,
  depths: ReadonlyMap<UpdateId, number>,
): ReadonlyMap<UpdateId, Update> {
  const byId = new Map(updates.map((update) => [update.id, update]));
  const depthOf = ({ id }: Update) => depths.get(id) ?? Number.POSITIVE_INFINITY;
  const earliest = new Map<UpdateId, Update>();
  for (const id of new Set(updates.flatMap(({ depends }) => depends))) {
    for (const other of superseding.meeting(id)) {
      const found = byId.get(other);
      const best = earliest.get(id);
      if (found && (best === undefined || depthOf(found) < depthOf(best))) earliest.set(id, found);
    }
  }
  return earliest;
}
