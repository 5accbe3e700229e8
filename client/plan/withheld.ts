import type { UpdateId } from "../../shared/brand.ts";
import { type Bucket, reachedAt } from "../../shared/feed/rollout.ts";
import type { Update } from "../../shared/feed/update.ts";
import { formatInstant, type Instant, instant } from "../../shared/time.ts";
import { type Hold, holdOf } from "./holds.ts";

/** What the administrator of a host has decided about updates. */
export interface Policy {
  readonly holds: readonly Hold[];
  /** Milliseconds that an update must have been published. */
  readonly delayMs: number;
  /** Nothing that was published after is applied. */
  readonly cutOff: Instant | null;
  /** These updates and no others are applied. */
  readonly pin: readonly UpdateId[] | null;
  /** Where this host stands in the roll-out of an update. */
  readonly bucket: (update: UpdateId) => Bucket;
}

/** Why policy keeps an update from being applied now. */
export interface Withheld {
  readonly id: UpdateId;
  readonly reason: "held" | "delayed" | "rollout" | "cut_off" | "pinned";
  /** When the reason ends by itself, or null. */
  readonly until: Instant | null;
  /** For people: what follows "withheld:". */
  readonly detail: string;
}

/**
 * What policy keeps back at `now`. An update that somebody asks for by its id, and what it depends on, waits for no
 * delay, roll-out or cut-off; a hold and a pin were decided for that very update, and stand.
 */
export function withheldUpdates(
  policy: Policy,
  updates: readonly Update[],
  now: Instant,
  asked: ReadonlySet<UpdateId> = new Set(),
): ReadonlyMap<UpdateId, Withheld> {
  const hurried = withDependencies(asked, updates);
  const withheld = updates.flatMap((update) => {
    const why = decided(policy, update) ?? (hurried.has(update.id) ? undefined : early(policy, update, now));
    return why ? [[update.id, why] as const] : [];
  });
  return new Map(withheld);
}

/** Reasons that do not pass with time. */
function decided({ holds, pin }: Policy, update: Update): Withheld | undefined {
  const { id } = update;
  const hold = holdOf(update, holds);
  if (hold) {
    const by = hold.what === id ? "" : ` by ${hold.what}`;
    const why = hold.reason === null ? "" : `: ${hold.reason}`;
    return { id, reason: "held", until: null, detail: `held${by} since ${formatInstant(hold.since)}${why}` };
  }
  if (pin === null || pin.includes(id)) return undefined;
  return { id, reason: "pinned", until: null, detail: "not among the updates that are pinned" };
}

/** Reasons that have to do with how new an update is. */
function early(policy: Policy, update: Update, now: Instant): Withheld | undefined {
  const { id, published, rollout } = update;
  if (policy.cutOff !== null && published > policy.cutOff) {
    const detail = `published ${formatInstant(published)}, after the cut-off ${formatInstant(policy.cutOff)}`;
    return { id, reason: "cut_off", until: null, detail };
  }
  const ripe = instant(published + policy.delayMs);
  const reached = rollout ? reachedAt(rollout, policy.bucket(id)) : ripe;
  // The later of the two is when it will be applied, and so the one to name.
  if (ripe > now && ripe >= reached) {
    return { id, reason: "delayed", until: ripe, detail: `delayed until ${formatInstant(ripe)}` };
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
