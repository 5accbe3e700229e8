import type { Sha256Hex, UpdateId } from "../../shared/brand.ts";

/** What a draft adds to a kernel's feed. */
export interface OfferedUpdate {
  readonly id: UpdateId;
  /** The digests of its modules. */
  readonly modules: readonly Sha256Hex[];
}

/** What a kernel's feed has in force. */
export interface KernelFeed {
  /** The version of its targets; 0 if it has none. */
  readonly version: number;
  readonly updates: readonly OfferedUpdate[];
}

/** A signing request that lies there. */
export interface LeftRequest {
  /** The version that it builds upon. */
  readonly base: number;
  readonly updates: readonly OfferedUpdate[];
  /** True if enough people have signed it. */
  readonly complete: boolean;
}

/** What is to be done for the updates of one kernel that passed their trials. */
export interface PublicationPlan {
  /** Those that the feed has already. */
  readonly inForce: readonly UpdateId[];
  /** The rest, and how it gets there: `keep` leaves the request that lies there to its signers. */
  readonly rest: readonly UpdateId[];
  readonly how: "nothing" | "push" | "request" | "keep" | "push signed";
}

/**
 * Decides how updates get into the feed. What the feed has is not pushed again, so a push that was cut off after it had
 * arrived is not repeated.
 * @param mayPush true if this machine signs by itself.
 */
export function planPublication(
  ready: readonly OfferedUpdate[],
  feed: KernelFeed,
  request: LeftRequest | undefined,
  mayPush: boolean,
): PublicationPlan {
  const isThere = (update: OfferedUpdate): boolean => feed.updates.some((one) => isSame(one, update));
  const rest = ready.filter((update) => !isThere(update));
  const plan = {
    inForce: ready.filter(isThere).map(({ id }) => id),
    rest: rest.map(({ id }) => id),
  };
  if (rest.length === 0) return { ...plan, how: "nothing" };
  const stands = request?.base === feed.version && asksFor(request, feed, rest);
  if (stands && request.complete) return { ...plan, how: "push signed" };
  if (mayPush) return { ...plan, how: "push" };
  return { ...plan, how: stands ? "keep" : "request" };
}

const isSame = (a: OfferedUpdate, b: OfferedUpdate): boolean =>
  a.id === b.id && a.modules.join() === b.modules.join();

/** True if a request adds exactly these updates to what the feed has. */
function asksFor({ updates }: LeftRequest, feed: KernelFeed, rest: readonly OfferedUpdate[]): boolean {
  const added = updates.filter((update) => !feed.updates.some((one) => isSame(one, update)));
  return added.length === rest.length && rest.every((update) => added.some((one) => isSame(one, update)));
}
