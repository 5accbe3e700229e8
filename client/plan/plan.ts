import type { UpdateId } from "../../shared/brand.ts";
import { Superseding } from "../../shared/feed/superseding.ts";
import type { Update } from "../../shared/feed/update.ts";
import { byPublication, type LeftOut, type OrderedUpdate, orderUpdates } from "./order.ts";
import type { Withheld } from "./withheld.ts";

/** What decides which updates of a manifest a host applies, and in which order. */
export interface PlanInput {
  readonly updates: readonly Update[];
  /** By what the kernel says. */
  readonly applied: ReadonlySet<UpdateId>;
  /** Live patches in force that are not the manifest's, by name. */
  readonly foreign: readonly string[];
  readonly withheld: ReadonlyMap<UpdateId, Withheld>;
  /** Updates that were under way when the host went down. */
  readonly suspects: ReadonlySet<UpdateId>;
  /** Tried before in this run, in vain. */
  readonly failed: ReadonlySet<UpdateId>;
  /** These and what they depend on; undefined: whatever there is. */
  readonly asked: ReadonlySet<UpdateId> | undefined;
  /** Whether an atomic replace may take out patches that it does not supersede. */
  readonly replaceOthers: boolean;
}

export interface Plan {
  /** What is to be applied, each after what it depends on. */
  readonly steps: readonly OrderedUpdate[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Pure: the same manifest, state and policy give the same plan on every host. An update is left out where one that
 * supersedes it can be applied without it, or is applied.
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

  const without = (by: UpdateId, superseded: ReadonlyMap<UpdateId, LeftOut>) => {
    const needless = [...superseding.neededNoMore(by)].filter((id) => !input.applied.has(id));
    const why = needless.map((id) => [id, { id, reason: "superseded", by } as const] as const);
    return new Map([...why, ...superseded]);
  };
  let superseded: ReadonlyMap<UpdateId, LeftOut> = new Map();
  for (const id of input.applied) superseded = without(id, superseded);
  const rely: UpdateId[] = [];
  const thinkable = new Set(candidates.map(({ id }) => id).filter((id) => !blocked.has(id)));
  for (const id of input.applied) thinkable.add(id);
  // The newest goes first. It makes others needless only if it would be applied with them left out.
  for (const { id, supersedes, depends } of candidates.toSorted(byPublication).toReversed()) {
    if (supersedes.length === 0 || input.applied.has(id) || blocked.has(id) || superseded.has(id)) continue;
    if (!depends.every((needed) => superseding.met(needed, thinkable))) continue;
    const trial = without(id, superseded);
    const applies = new Set(order(trial).updates.map((step) => step.update.id));
    if (![...rely, id].every((one) => applies.has(one))) continue;
    superseded = trial;
    rely.push(id);
  }
  const { updates, leftOut } = order(superseded);
  return { steps: updates, leftOut };
}

/** What is asked for, with what it depends on. */
function candidatesOf({ updates, asked }: PlanInput, byId: ReadonlyMap<UpdateId, Update>): readonly Update[] {
  const wanted = new Set(asked);
  for (const id of wanted) for (const needed of byId.get(id)?.depends ?? []) wanted.add(needed);
  return updates.filter(({ id }) => asked === undefined || wanted.has(id));
}

/** What is not to be applied whatever else is. A suspect is tried again when it is asked for by its own id. */
function blockedOf(input: PlanInput, candidates: readonly Update[]): ReadonlyMap<UpdateId, LeftOut> {
  const { applied, withheld, suspects, failed, asked } = input;
  const blocked = new Map<UpdateId, LeftOut>();
  for (const { id, recalled } of candidates) {
    const kept = withheld.get(id);
    if (applied.has(id)) continue;
    if (recalled !== null) blocked.set(id, { id, reason: "recalled", why: recalled });
    else if (kept) blocked.set(id, { id, reason: "withheld", withheld: kept });
    else if (failed.has(id)) blocked.set(id, { id, reason: "failed" });
    else if (suspects.has(id) && !asked?.has(id)) blocked.set(id, { id, reason: "suspect" });
  }
  return blocked;
}
