import type { UpdateId } from "../../shared/brand.ts";
import { type Bucket, reachedAt } from "../../shared/feed/rollout.ts";
import type { Update } from "../../shared/feed/update.ts";
import { formatInstant, type Instant, instant } from "../../shared/time.ts";
import { type Hold, holdOf } from "./holds.ts";

/** A host's policy: what its administrator has decided about updates. */
export interface Policy {
  readonly holds: readonly Hold[];
  /** The time for which an update must have been published before it is applied, in milliseconds. */
  readonly delayMs: number;
  /** The time after which published updates are not applied any more. */
  readonly cutOff: Instant | null;
  /** The only updates that are applied, if not null. */
  readonly pin: readonly UpdateId[] | null;
  /** Returns this host's place in the roll-out of an update. */
  readonly bucket: (update: UpdateId) => Bucket;
}

/** The reason why policy keeps back an update. */
export interface Withheld {
  readonly id: UpdateId;
  readonly reason: "held" | "delayed" | "rollout" | "cut_off" | "pinned";
  /** The time at which the reason ends by itself; null if it does not. */
  readonly until: Instant | null;
  /** A clause that tells people the reason. */
  readonly detail: string;
}

/**
 * Returns the updates that policy keeps back at `now`. An update that is asked for by its id, and those that it depends on,
 * are not subject to delay, roll-out and cut-off. They are subject to holds and pins, which were decided for these updates.
 */
export function withheldUpdates(
  policy: Policy,
  updates: readonly Update[],
  now: Instant,
  asked: ReadonlySet<UpdateId> = new Set(),
): ReadonlyMap<UpdateId, Withheld> {
  const exempt = withDependencies(asked, updates);
  const withheld = updates.flatMap((update) => {
    const why =
      heldOrNotPinned(policy, update) ?? (exempt.has(update.id) ? undefined : tooNew(policy, update, now));
    return why ? [[update.id, why] as const] : [];
  });
  return new Map(withheld);
}

/** Returns a reason that does not depend on time: a hold or a pin. */
function heldOrNotPinned({ holds, pin }: Policy, update: Update): Withheld | undefined {
  const { id } = update;
  const hold = holdOf(update, holds);
  if (hold) {
    const by = hold.what === id ? "" : ` by ${hold.what}`;
    const why = hold.reason === null ? "" : `: ${hold.reason}`;
    return { id, reason: "held", until: null, detail: `held${by} since ${formatInstant(hold.since)}${why}` };
  }
  if (pin === null || pin.includes(id)) return undefined;
  return { id, reason: "pinned", until: null, detail: "not among the pinned updates" };
}

/** Returns a reason that depends on how new the update is: cut-off, delay or roll-out. */
function tooNew(policy: Policy, update: Update, now: Instant): Withheld | undefined {
  const { id, published, rollout } = update;
  if (policy.cutOff !== null && published > policy.cutOff) {
    const detail = `published ${formatInstant(published)}, after the cut-off ${formatInstant(policy.cutOff)}`;
    return { id, reason: "cut_off", until: null, detail };
  }
  const delayEnds = instant(published + policy.delayMs);
  const reached = rollout ? reachedAt(rollout, policy.bucket(id)) : delayEnds;
  // The update will be applied at the later of the two times, so that is the reason to give.
  if (delayEnds > now && delayEnds >= reached) {
    return { id, reason: "delayed", until: delayEnds, detail: `delayed until ${formatInstant(delayEnds)}` };
  }
  if (reached <= now) return undefined;
  return {
    id,
    reason: "rollout",
    until: reached,
    detail: `rolled out to this host ${formatInstant(reached)}`,
  };
}

function withDependencies(asked: ReadonlySet<UpdateId>, updates: readonly Update[]): ReadonlySet<UpdateId> {
  const byId = new Map(updates.map((update) => [update.id, update]));
  const wanted = new Set(asked);
  for (const id of wanted) for (const needed of byId.get(id)?.depends ?? []) wanted.add(needed);
  return wanted;
}
