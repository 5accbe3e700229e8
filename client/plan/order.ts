import type { UpdateId } from "../../shared/brand.ts";
import type { Superseding } from "../../shared/feed/superseding.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Withheld } from "./withheld.ts";

/** The reason why an update is left out of a plan. */
export type LeftOut =
  | { readonly id: UpdateId; readonly reason: "recalled"; readonly why: string }
  | { readonly id: UpdateId; readonly reason: "withheld"; readonly withheld: Withheld }
  /** The host went down while the update was being applied or undone. */
  | { readonly id: UpdateId; readonly reason: "suspect" }
  | { readonly id: UpdateId; readonly reason: "failed" }
  /** The run was asked to end before it came to this update. */
  | { readonly id: UpdateId; readonly reason: "stopped" }
  | { readonly id: UpdateId; readonly reason: "superseded"; readonly by: UpdateId }
  | { readonly id: UpdateId; readonly reason: "conflict"; readonly with: UpdateId }
  | { readonly id: UpdateId; readonly reason: "missing"; readonly needs: UpdateId }
  | { readonly id: UpdateId; readonly reason: "cycle" }
  /** An undo leaves the update in, because another that depends on it could not be undone. */
  | { readonly id: UpdateId; readonly reason: "needed"; readonly by: UpdateId }
  /** The update is an atomic replace that would take out patches that it does not supersede. */
  | {
      readonly id: UpdateId;
      readonly reason: "replaces";
      readonly updates: readonly UpdateId[];
      readonly foreign: readonly string[];
    };

/** One step of a plan: an update to apply, and the updates and patches that it replaces. */
export interface OrderedUpdate {
  readonly update: Update;
  /** Updates that the kernel puts out of force when this one is applied. */
  readonly replaces: readonly UpdateId[];
  /** Foreign patches that the kernel puts out of force, too. */
  readonly replacesForeign: readonly string[];
}

/** The context on which the order of updates depends, besides the updates themselves. */
export interface OrderContext {
  /** All updates of the manifest. */
  readonly byId: ReadonlyMap<UpdateId, Update>;
  readonly superseding: Superseding;
  readonly applied: ReadonlySet<UpdateId>;
  readonly foreign: readonly string[];
  readonly replaceOthers: boolean;
  /** The updates that must not be applied, with the reasons. */
  readonly leaveOut: ReadonlyMap<UpdateId, LeftOut>;
}

export interface UpdateOrder {
  readonly updates: readonly OrderedUpdate[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Orders updates that are not applied yet. Dependencies come first, then atomic replaces, because those would take out
 * what was applied before them; updates that are equal in this are ordered by publication and then by id.
 */
export function orderUpdates(candidates: readonly Update[], context: OrderContext): UpdateOrder {
  const { leaveOut } = context;
  const state = new Simulated(context);
  const open = new Set<UpdateId>();
  const chosen = new Map(candidates.map((update) => [update.id, update]));
  const leftOut = new Map<UpdateId, LeftOut>();
  const updates: OrderedUpdate[] = [];

  function* visit(update: Update): Visit {
    if (state.seen.has(update.id) || leftOut.has(update.id)) return;
    if (open.has(update.id)) {
      leftOut.set(update.id, { id: update.id, reason: "cycle" });
      return;
    }
    open.add(update.id);
    for (const id of update.depends) {
      if (state.meets(id)) continue;
      const why = leaveOut.get(id);
      const needed = chosen.get(why?.reason === "superseded" ? why.by : id);
      if (needed) yield needed;
    }
    open.delete(update.id);
    const obstacle = leftOut.get(update.id) ?? leaveOut.get(update.id) ?? state.obstacleTo(update);
    if (obstacle) leftOut.set(update.id, obstacle);
    else updates.push(state.apply(update));
  }

  const inTurn = [...candidates].sort((a, b) => Number(b.replace) - Number(a.replace) || byPublication(a, b));
  depthFirst(inTurn, visit);
  return { updates, leftOut: [...leftOut.values()] };
}

/** The updates that would be in force after each step of a plan. */
class Simulated {
  /** Updates that are applied, or were in an earlier step. They are not applied again, also if they have been replaced. */
  readonly seen: Set<UpdateId>;
  readonly #inForce: Set<UpdateId>;
  readonly #context: OrderContext;
  readonly #conflicts: ReadonlyMap<UpdateId, ReadonlySet<UpdateId>>;
  #foreign: readonly string[];

  constructor(context: OrderContext) {
    this.seen = new Set(context.applied);
    this.#inForce = new Set(context.applied);
    this.#context = context;
    this.#foreign = context.foreign;
    this.#conflicts = conflictsBothWays(context.byId.values());
  }

  meets(id: UpdateId): boolean {
    return this.#context.superseding.met(id, this.#inForce);
  }

  obstacleTo(update: Update): LeftOut | undefined {
    const { id } = update;
    const needs = update.depends.find((needed) => !this.meets(needed));
    if (needs !== undefined) return { id, reason: "missing", needs };
    const other = [...(this.#conflicts.get(id) ?? [])].sort().find((one) => this.#survives(one, update));
    if (other !== undefined) return { id, reason: "conflict", with: other };
    return this.#context.replaceOthers ? undefined : this.#wouldReplace(update);
  }

  apply(update: Update): OrderedUpdate {
    const replaces = update.replace ? this.#replaceable() : [];
    const replacesForeign = update.replace ? this.#foreign : [];
    for (const id of replaces) this.#inForce.delete(id);
    if (update.replace) this.#foreign = [];
    this.#inForce.add(update.id);
    this.seen.add(update.id);
    return { update, replaces, replacesForeign };
  }

  /**
   * Tells whether an update would stay in force beside another. An atomic replace takes out every livepatch.
   */
  #survives(id: UpdateId, update: Update): boolean {
    return this.#inForce.has(id) && !(update.replace && this.#isLivepatch(id));
  }

  #replaceable(): UpdateId[] {
    return [...this.#inForce].filter((id) => this.#isLivepatch(id)).sort();
  }

  #isLivepatch(id: UpdateId): boolean {
    return this.#context.byId.get(id)?.engine === "livepatch";
  }

  #wouldReplace(update: Update): LeftOut | undefined {
    if (!update.replace) return undefined;
    const needless = this.#context.superseding.neededNoMore(update.id);
    const updates = this.#replaceable().filter((id) => !needless.has(id));
    if (updates.length + this.#foreign.length === 0) return undefined;
    return { id: update.id, reason: "replaces", updates, foreign: this.#foreign };
  }
}

/** Lists the conflicts of each update. A conflict that one update declares holds for both. */
function conflictsBothWays(all: Iterable<Update>): ReadonlyMap<UpdateId, ReadonlySet<UpdateId>> {
  const conflicts = new Map<UpdateId, Set<UpdateId>>();
  const note = (a: UpdateId, b: UpdateId) => conflicts.set(a, (conflicts.get(a) ?? new Set()).add(b));
  for (const update of all) {
    for (const other of update.conflicts) {
      note(update.id, other);
      note(other, update.id);
    }
  }
  return conflicts;
}

/** A visit to an update, which yields the updates that have to be visited before it. */
export type Visit = Generator<Update, void>;

/** Visits updates depth first, without recursion, because a chain of dependencies may be as long as a manifest. */
export function depthFirst(roots: readonly Update[], visit: (update: Update) => Visit): void {
  for (const root of roots) {
    const stack = [visit(root)];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.next();
      if (next.done) stack.pop();
      else stack.push(visit(next.value));
    }
  }
}

export function byPublication(a: Update, b: Update): number {
  return a.published - b.published || (a.id < b.id ? -1 : 1);
}
