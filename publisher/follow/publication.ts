import type { Sha256Hex, UpdateId } from "../../shared/brand.ts";

/** What a draft adds to a kernel's feed. */
export interface OfferedUpdate {
  readonly id: UpdateId;
  /** The digests of its modules. */
  readonly modules: readonly Sha256Hex[];
  /** The functions that it replaces: "ip_rcv (vmlinux+0x8a1c40)". Only the place tells them apart. */
  readonly functions: readonly string[];
  readonly supersedes: readonly UpdateId[];
  readonly isRecalled: boolean;
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

/** An update that gets into the feed, and the updates that it supersedes besides those that it names itself. */
export interface AddedUpdate {
  readonly id: UpdateId;
  readonly supersedes: readonly UpdateId[];
}

/** What is to be done for the updates of one kernel that passed their trials. */
export interface PublicationPlan {
  /** Those that the feed has already. */
  readonly inForce: readonly UpdateId[];
  /** Those that cannot be in force beside another one, and why. */
  readonly overlapping: readonly { readonly id: UpdateId; readonly reason: string }[];
  /** The rest, and how it gets there: `keep` leaves the request that lies there to its signers. */
  readonly rest: readonly AddedUpdate[];
  readonly how: "nothing" | "push" | "request" | "keep" | "push signed";
}

/**
 * Decides how updates get into the feed. What the feed has is not pushed again, so a push that was cut off after it had
 * arrived is not repeated. Two updates that replace the same function cannot both be in force, because the kernel runs the
 * one that was applied last: the later one is left out, unless it brings all that the earlier one does.
 * @param mayPush true if this machine signs by itself.
 * @param broughtBy returns the updates whose fixes an update has in it.
 */
export function planPublication(
  ready: readonly OfferedUpdate[],
  feed: KernelFeed,
  request: LeftRequest | undefined,
  mayPush: boolean,
  broughtBy: (id: UpdateId) => ReadonlySet<UpdateId>,
): PublicationPlan {
  const isThere = (update: OfferedUpdate): boolean => feed.updates.some((one) => isSame(one, update));
  const inForce = ready.filter(isThere).map(({ id }) => id);
  const standing = [...standingOf(feed.updates)];
  const added: OfferedUpdate[] = [];
  const rest: AddedUpdate[] = [];
  const overlapping: { readonly id: UpdateId; readonly reason: string }[] = [];
  for (const update of ready.filter((one) => !isThere(one))) {
    const others = standing.filter(({ id }) => id !== update.id && !update.supersedes.includes(id));
    const sharing = others.filter((one) => sharedFunction(one, update) !== undefined);
    const brought = broughtBy(update.id);
    const blocker = sharing.find((one) => !brought.has(one.id) || !isWithin(one, update));
    if (blocker === undefined) {
      standing.push(update);
      added.push(update);
      rest.push({ id: update.id, supersedes: sharing.map(({ id }) => id) });
    } else overlapping.push({ id: update.id, reason: overlapReason(blocker, update) });
  }
  const plan = { inForce, overlapping, rest };
  if (rest.length === 0) return { ...plan, how: "nothing" };
  const stands = request?.base === feed.version && asksFor(request, feed, added);
  if (stands && request.complete) return { ...plan, how: "push signed" };
  if (mayPush) return { ...plan, how: "push" };
  return { ...plan, how: stands ? "keep" : "request" };
}

/** Leaves out what is recalled, and what another update supersedes. */
function standingOf(updates: readonly OfferedUpdate[]): readonly OfferedUpdate[] {
  const valid = updates.filter(({ isRecalled }) => !isRecalled);
  const superseded = new Set(valid.flatMap(({ supersedes }) => supersedes));
  return valid.filter(({ id }) => !superseded.has(id));
}

/** Two places are the same if object and offset are: the part in brackets. */
const placeOf = (named: string): string => named.slice(named.indexOf("("));

function sharedFunction(a: OfferedUpdate, b: OfferedUpdate): string | undefined {
  const places = new Set(a.functions.map(placeOf));
  return b.functions.find((one) => places.has(placeOf(one)));
}

function isWithin(a: OfferedUpdate, b: OfferedUpdate): boolean {
  const places = new Set(b.functions.map(placeOf));
  return a.functions.every((one) => places.has(placeOf(one)));
}

const overlapReason = (blocker: OfferedUpdate, update: OfferedUpdate): string =>
  `it replaces ${sharedFunction(blocker, update)}, as ${blocker.id} does, of which nothing would be left there: make one series of both fixes`;

const isSame = (a: OfferedUpdate, b: OfferedUpdate): boolean =>
  a.id === b.id && a.modules.join() === b.modules.join();

/** True if a request adds exactly these updates to what the feed has. */
function asksFor({ updates }: LeftRequest, feed: KernelFeed, rest: readonly OfferedUpdate[]): boolean {
  const added = updates.filter((update) => !feed.updates.some((one) => isSame(one, update)));
  return added.length === rest.length && rest.every((update) => added.some((one) => isSame(one, update)));
}
