import type { UpdateId } from "../../shared/brand.ts";
import { Superseding } from "../../shared/feed/superseding.ts";
import type { Update } from "../../shared/feed/update.ts";
import { groupBy } from "../../shared/group_by.ts";
import { byPublication, depthFirst, type Visit } from "./order.ts";

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
  const early = earliness(standing, superseding);
  const meeting = earliestMeeting(standing, superseding, early);
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
  depthFirst([...standing].sort(byPublication), visit);
  return [...inOrder];
}

/**
 * How many steps of dependencies an update is from those that stand on nothing; none for those in circles and on them.
 * Where several meet a dependency, one of them may stand on what depends on it: the earliest never does.
 */
function earliness(standing: readonly Update[], superseding: Superseding): ReadonlyMap<UpdateId, number> {
  const applied = new Set(standing.map(({ id }) => id));
  const needsOf = ({ depends }: Update) => new Set(depends.filter((id) => superseding.met(id, applied)));
  const unmet = new Map(standing.map((update) => [update, needsOf(update)]));
  const needs = [...unmet].flatMap(([update, ids]) => [...ids].map((id) => ({ id, update })));
  const waiting = groupBy(needs, ({ id }) => id);
  const early = new Map<UpdateId, number>();
  let next = standing.filter((update) => unmet.get(update)?.size === 0);
  for (let step = 0; next.length > 0; step++) {
    const now = next;
    next = [];
    for (const { id } of now) {
      early.set(id, step);
      for (const met of [id, ...superseding.neededNoMore(id)]) {
        for (const { update } of waiting.get(met) ?? []) {
          const left = unmet.get(update);
          if (left?.delete(met) && left.size === 0) next.push(update);
        }
        waiting.delete(met);
      }
    }
  }
  return early;
}

/** For each dependency, which of those that meet it comes first. */
function earliestMeeting(
  standing: readonly Update[],
  superseding: Superseding,
  early: ReadonlyMap<UpdateId, number>,
): ReadonlyMap<UpdateId, Update> {
  const byId = new Map(standing.map((update) => [update.id, update]));
  const stepOf = ({ id }: Update) => early.get(id) ?? Number.POSITIVE_INFINITY;
  const earliest = new Map<UpdateId, Update>();
  for (const id of new Set(standing.flatMap(({ depends }) => depends))) {
    for (const other of superseding.meeting(id)) {
      const found = byId.get(other);
      const best = earliest.get(id);
      if (found && (best === undefined || stepOf(found) < stepOf(best))) earliest.set(id, found);
    }
  }
  return earliest;
}
