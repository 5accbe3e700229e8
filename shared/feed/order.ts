import type { UpdateId } from "../brand.ts";
import type { Update } from "./update.ts";

/** Why an update is left out of a plan. */
export type LeftOut =
  | { readonly id: UpdateId; readonly reason: "recalled"; readonly why: string }
  | { readonly id: UpdateId; readonly reason: "conflict"; readonly with: UpdateId }
  | { readonly id: UpdateId; readonly reason: "missing"; readonly needs: UpdateId }
  | { readonly id: UpdateId; readonly reason: "cycle" };

export interface Order {
  /** What is to be applied, each after what it depends on. */
  readonly updates: readonly Update[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Puts what is not applied yet into an order in which it can be applied. The same manifest and the same
 * applied set give the same order on every host: dependencies first, ties by publication and then id.
 */
export function orderUpdates(all: readonly Update[], applied: ReadonlySet<UpdateId>): Order {
  const byId = new Map(all.map((update) => [update.id, update]));
  const foes = conflictsBothWays(all);
  const done = new Set(applied);
  const updates: Update[] = [];
  const leftOut = new Map<UpdateId, LeftOut>();
  const open = new Set<UpdateId>();

  const visit = (update: Update): void => {
    if (done.has(update.id) || leftOut.has(update.id)) return;
    if (open.has(update.id)) {
      leftOut.set(update.id, { id: update.id, reason: "cycle" });
      return;
    }
    open.add(update.id);
    for (const id of update.depends) {
      const needed = byId.get(id);
      if (needed) visit(needed);
    }
    open.delete(update.id);
    const obstacle = leftOut.get(update.id) ?? obstacleTo(update, foes, done);
    if (obstacle) {
      leftOut.set(update.id, obstacle);
      return;
    }
    done.add(update.id);
    updates.push(update);
  };

  for (const update of [...all].sort(byPublication)) visit(update);
  return { updates, leftOut: [...leftOut.values()] };
}

function obstacleTo(
  update: Update,
  foes: ReadonlyMap<UpdateId, ReadonlySet<UpdateId>>,
  done: ReadonlySet<UpdateId>,
): LeftOut | undefined {
  const { id } = update;
  if (update.recalled !== null) return { id, reason: "recalled", why: update.recalled };
  const missing = update.depends.find((needed) => !done.has(needed));
  if (missing !== undefined) return { id, reason: "missing", needs: missing };
  const foe = [...(foes.get(id) ?? [])].sort().find((other) => done.has(other));
  return foe === undefined ? undefined : { id, reason: "conflict", with: foe };
}

/** A conflict that one side declares holds for both. */
function conflictsBothWays(all: readonly Update[]): ReadonlyMap<UpdateId, ReadonlySet<UpdateId>> {
  const foes = new Map<UpdateId, Set<UpdateId>>();
  const note = (a: UpdateId, b: UpdateId) => foes.set(a, (foes.get(a) ?? new Set()).add(b));
  for (const update of all) {
    for (const other of update.conflicts) {
      note(update.id, other);
      note(other, update.id);
    }
  }
  return foes;
}

/**
 * The applied updates in the order in which they can be undone: each before what it depends on. `wanted` is
 * widened by every applied update that depends on one of them.
 */
export function orderUndo(
  all: readonly Update[],
  applied: ReadonlySet<UpdateId>,
  wanted: ReadonlySet<UpdateId>,
): readonly Update[] {
  const standing = dependenciesFirst(all.filter((update) => applied.has(update.id)));
  const undone = new Set<UpdateId>();
  // Where dependencies go round in a circle one pass does not reach everything.
  for (let before = -1; before < undone.size; ) {
    before = undone.size;
    for (const update of standing) {
      if (wanted.has(update.id) || update.depends.some((id) => undone.has(id))) undone.add(update.id);
    }
  }
  return standing.filter((update) => undone.has(update.id)).reverse();
}

/**
 * Leaves nothing out, unlike `orderUpdates`: a manifest that changed since, by a dependency that is not applied,
 * a recall or a circle, must not keep what is in the kernel from being taken out of it.
 */
function dependenciesFirst(standing: readonly Update[]): readonly Update[] {
  const byId = new Map(standing.map((update) => [update.id, update]));
  const inOrder = new Set<Update>();
  const seen = new Set<Update>();
  const visit = (update: Update): void => {
    if (seen.has(update)) return;
    seen.add(update);
    for (const id of update.depends) {
      const needed = byId.get(id);
      if (needed) visit(needed);
    }
    inOrder.add(update);
  };
  for (const update of [...standing].sort(byPublication)) visit(update);
  return [...inOrder];
}

export function byPublication(a: Update, b: Update): number {
  return a.published - b.published || (a.id < b.id ? -1 : 1);
}
