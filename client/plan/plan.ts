import type { UpdateId } from "../../shared/brand.ts";
import { Superseding } from "../../shared/feed/superseding.ts";
import type { Update } from "../../shared/feed/update.ts";
import { byPublication, type LeftOut, type OrderedUpdate, orderUpdates } from "./order.ts";
import type { Withheld } from "./withheld.ts";

/** The facts that decide which updates of a manifest a host applies, and in which order. */
export interface PlanInput {
  readonly updates: readonly Update[];
  /** The updates that are applied, as the kernel reports them. */
  readonly applied: ReadonlySet<UpdateId>;
  /** The names of live patches in force that the manifest does not have. */
  readonly foreign: readonly string[];
  readonly withheld: ReadonlyMap<UpdateId, Withheld>;
  /** The updates that were being applied or undone when the host went down. */
  readonly suspects: ReadonlySet<UpdateId>;
  /** The updates that failed in this run. */
  readonly failed: ReadonlySet<UpdateId>;
  /** The updates to apply, with those that they depend on; undefined for all updates. */
  readonly asked: ReadonlySet<UpdateId> | undefined;
  /** True if an atomic replace may take out patches that it does not supersede. */
  readonly replaceOthers: boolean;
}

export interface Plan {
  /** The updates to apply, each after those that it depends on. */
  readonly steps: readonly OrderedUpdate[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Decides which updates to apply, and in which order. The same manifest, state and policy give the same plan on every
 * host. An update is left out if one that supersedes it is applied, or can be applied without it.
 */
export function planUpdates(input: PlanInput): Plan {
  const byId = new Map(input.updates.map((update) => [update.id, update]));
  const superseding = new Superseding(input.updates);
  const candidates = candidatesOf(input, byId);
  const blocked = blockedOf(input, candidates);
  const order = (superseded: ReadonlyMap<UpdateId, LeftOut>) =>
    orderUpdates(candidates, {
      ...input,
      byId,
      superseding,
      leaveOut: new Map([...blocked, ...superseded]),
    });

  const supersededBy = (by: UpdateId, superseded: ReadonlyMap<UpdateId, LeftOut>) => {
    const needless = [...superseding.neededNoMore(by)].filter((id) => !input.applied.has(id));
    const why = needless.map((id) => [id, { id, reason: "superseded", by } as const] as const);
    return new Map([...why, ...superseded]);
  };
  let superseded: ReadonlyMap<UpdateId, LeftOut> = new Map();
  for (const id of input.applied) superseded = supersededBy(id, superseded);
  const reliedOn: UpdateId[] = [];
  const possible = new Set(candidates.map(({ id }) => id).filter((id) => !blocked.has(id)));
  for (const id of input.applied) possible.add(id);
  // The newest update is tried first. It supersedes others only if it can be applied when they are left out.
  for (const { id, supersedes, depends } of candidates.toSorted(byPublication).toReversed()) {
    if (supersedes.length === 0 || input.applied.has(id) || blocked.has(id) || superseded.has(id)) continue;
    if (!depends.every((needed) => superseding.met(needed, possible))) continue;
    const trial = supersededBy(id, superseded);
    const applies = new Set(order(trial).updates.map((step) => step.update.id));
    if (![...reliedOn, id].every((one) => applies.has(one))) continue;
    superseded = trial;
    reliedOn.push(id);
  }
  const { updates, leftOut } = order(superseded);
  return { steps: updates, leftOut };
}

/** Returns the updates that are asked for, with those that they depend on. */
function candidatesOf({ updates, asked }: PlanInput, byId: ReadonlyMap<UpdateId, Update>): readonly Update[] {
  const wanted = new Set(asked);
  for (const id of wanted) for (const needed of byId.get(id)?.depends ?? []) wanted.add(needed);
  return updates.filter(({ id }) => asked === undefined || wanted.has(id));
}

/**
 * Returns the updates that must not be applied, whatever else is applied. A suspect is tried again only if it is asked for
 * by its own id.
 */
function blockedOf(input: PlanInput, candidates: readonly Update[]): ReadonlyMap<UpdateId, LeftOut> {
  const { applied, withheld, suspects, failed, asked } = input;
  const blocked = new Map<UpdateId, LeftOut>();
  for (const { id, recalled } of candidates) {
    const why = withheld.get(id);
    if (applied.has(id)) continue;
    if (recalled !== null) blocked.set(id, { id, reason: "recalled", why: recalled });
    else if (why) blocked.set(id, { id, reason: "withheld", withheld: why });
    else if (failed.has(id)) blocked.set(id, { id, reason: "failed" });
    else if (suspects.has(id) && !asked?.has(id)) blocked.set(id, { id, reason: "suspect" });
  }
  return blocked;
}
