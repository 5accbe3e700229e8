import { fileURLToPath } from "node:url";
import type { Feed, Fetched } from "../../node/transport/feed.ts";
import { atAcceptedTime, type Freshness, saneTime } from "../../node/transport/freshness.ts";
import type { BuildId } from "../../shared/brand.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath, metadataPath } from "../../shared/feed/paths.ts";
import { bundledFeed, type VerifiedFeed, verifyFeed } from "../../shared/feed/verified_feed.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import { MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import type { Clock, Instant } from "../../shared/time.ts";
import { enforcedAt } from "../../shared/tuf/expiry.ts";
import { type StagedStore, staged } from "../../shared/tuf/staged_store.ts";
import { agreeing } from "./second_opinion.ts";
import { verifyStored } from "./stored_feed.ts";
import type { Subject } from "./subject.ts";
import { type WatchedStore, watchedStore } from "./watched_store.ts";

export interface Polled {
  readonly verified: VerifiedFeed;
  readonly manifest: KernelManifest;
  /** The version of targets. */
  readonly version: number;
  /** The time at which the timestamp expires. */
  readonly expires: Instant;
  /** True if the feed had something new. */
  readonly changed: boolean;
}

export interface PollOptions extends Subject {
  readonly feed: Feed;
  /** The kernel, which messages name if the feed has nothing for it. */
  readonly kernel?: KernelIdentity;
  readonly clock: Clock;
  /** The time in milliseconds after its expiry in which metadata is still accepted, with a `notice`. */
  readonly acceptStaleMs?: number;
  readonly notice?: (line: string) => void;
  /** Waits until no other run writes. It is called before anything is written. */
  readonly exclusive?: () => Promise<void>;
}

/**
 * Asks the feed once and verifies the answer. Nothing is stored unless all of it verifies, down to the manifest and its
 * binding to this kernel.
 *
 * @throws RebootlessError `unreachable`, `not_covered`, `trust`, `rollback`, `expired`, `parse`.
 */
export async function poll(options: PollOptions): Promise<Polled> {
  const freshness = await freshnessOf(options);
  try {
    return await ask(options, freshness);
  } catch (error) {
    if (isCode(error, "unreachable") || isCode(error, "not_covered"))
      await requireFresh(options, freshness, error);
    if (isCode(error, "expired") && options.feed.url.startsWith("file:"))
      throw outOfDate(options.feed, error);
    throw error;
  }
}

async function ask(options: PollOptions, freshness: Freshness): Promise<Polled> {
  const { feed, directory, buildId } = options;
  const etag = await directory.readTag();
  if (etag !== undefined) {
    const fetched = await feed.get(feedPath(buildId), { maxBytes: MAX_BUNDLE_BYTES, etag });
    if (fetched.status !== "not_modified") return accept(options, freshness, fetched);
    const cached = await verifyCached(options, freshness);
    if (cached) return unchanged(options, freshness, cached);
    freshness.notice(
      "warning: what this host kept for this kernel does not verify any more (it was damaged, or keys were replaced since); all of it is fetched again",
    );
    await directory.removeTag();
  }
  const fetched = await feed.get(feedPath(buildId), { maxBytes: MAX_BUNDLE_BYTES });
  return accept(options, freshness, fetched);
}

/**
 * Verifies the stored feed without the state lock: most polls bring nothing new, and so no other run waits
 * for them. If it does not verify, another run may be writing it at the same time, so the result under the
 * lock decides.
 *
 * @throws RebootlessError `expired`.
 */
async function verifyCached(options: PollOptions, freshness: Freshness): Promise<VerifiedFeed | undefined> {
  const verifyNow = () =>
    atAcceptedTime(freshness, (now) => verifyStored(options, enforcedAt(now))).catch(unlessRootExpired);
  const unlocked = await verifyNow().catch(unlessExpired);
  if (unlocked) return unlocked;
  await options.exclusive?.();
  return verifyNow();
}

/**
 * Verifies the stored feed again, without a request.
 *
 * @throws RebootlessError `unreachable` if nothing is stored; otherwise as `poll`.
 */
export async function pollCache(options: PollOptions): Promise<Polled> {
  await options.exclusive?.();
  const freshness = await freshnessOf(options);
  const cached = await atAcceptedTime(freshness, (now) => verifyStored(options, enforcedAt(now)));
  if (cached) return unchanged(options, freshness, cached);
  throw new RebootlessError("unreachable", "nothing that was verified before is at hand", {
    hint: "Run `rebootless check` once with the feed in reach.",
  });
}

async function unchanged(options: PollOptions, freshness: Freshness, cached: VerifiedFeed): Promise<Polled> {
  await noteTime(options, freshness);
  return polled(cached, false);
}

/** Stores when this host last verified a feed, so that a clock that goes back is noticed, whatever the feed sends. */
async function noteTime({ directory, exclusive }: PollOptions, { now }: Freshness): Promise<void> {
  if (await directory.host.isTimeNoted(now)) return;
  await exclusive?.();
  await directory.host.noteTime(now);
}

function polled(verified: VerifiedFeed, changed: boolean): Polled {
  const { manifest, trusted } = verified;
  return {
    verified,
    manifest,
    version: trusted.targets.version,
    expires: trusted.timestamp.expires,
    changed,
  };
}

async function freshnessOf(options: PollOptions): Promise<Freshness> {
  const { clock, directory, acceptStaleMs = 0, notice = () => undefined } = options;
  if (await directory.isOfAnotherRoot()) {
    await options.exclusive?.();
    // A stored newer version of the old root would otherwise still decide.
    notice("warning: the root of trust was replaced; what was verified under the old one is forgotten");
    await directory.host.forget();
  }
  return { now: saneTime(clock, await directory.host.latestTime()), acceptStaleMs, notice };
}

async function accept(options: PollOptions, freshness: Freshness, fetched: Fetched): Promise<Polled> {
  if (fetched.status !== "ok") throw notCovered(options, fetched);
  const fresh = await verifyFetched(options, freshness, fetched.bytes);
  await options.exclusive?.();
  const isStill = await fresh.previous.isUnchanged();
  const now = isStill ? fresh : await verifyFetched(options, freshness, fetched.bytes);
  return store(options, freshness, fetched, now);
}

/** A fetched feed that verified, and the stored metadata that it was verified against. */
interface Fresh {
  readonly verified: VerifiedFeed;
  readonly previous: WatchedStore;
  /** The store that holds the new files until they are written. */
  readonly staged: StagedStore;
}

/**
 * Verifies the answer of a feed. It is called without the state lock, so that a large answer keeps no other
 * run waiting.
 */
async function verifyFetched(options: PollOptions, freshness: Freshness, bytes: Uint8Array): Promise<Fresh> {
  try {
    const bundle = decodeBundle(bytes);
    return await atAcceptedTime(freshness, (now) => verifyBundle(options, now, bundle));
  } catch (error) {
    // Bytes that do not even parse are not the signed bytes, whoever damaged them.
    if (!isCode(error, "parse") && !isCode(error, "limit")) throw error;
    throw new RebootlessError("trust", `${options.feed.url} sent something that is not a feed`, {
      cause: error,
      hint: "It was damaged or replaced on its way, or this is not the address of a feed. Nothing was stored.",
    });
  }
}

async function verifyBundle(options: PollOptions, now: Instant, bundle: Bundle): Promise<Fresh> {
  const { feed, directory, buildId, provisionedRoot, verifiers, notice = () => undefined } = options;
  const previous = watchedStore(directory.metadata);
  const store = staged(previous);
  // A bundle for another kernel is refused because of its manifest, whatever kernel the bundle itself names.
  const offered = { ...bundledFeed(bundle, rootsOf(feed, buildId)), buildId };
  const verified = await verifyFeed(offered, {
    store,
    provisionedRoot,
    verifier: verifiers.first,
    verifyNewRoot: agreeing(verifiers, "the new root is not accepted"),
    expiry: enforcedAt(now),
    onDamage: (role, cause) =>
      notice(`warning: the ${role} that this host kept was damaged (${cause.message}); it was replaced`),
  });
  return { verified, previous, staged: store };
}

/** Fetches a root that is too old for the bundle. */
const rootsOf = (feed: Feed, buildId: BuildId) => async (version: number) => {
  const path = `${metadataPath(buildId)}/${version}.root.json`;
  const fetched = await feed.get(path, { maxBytes: MAX_ROOT_BYTES });
  return fetched.status === "ok" ? fetched.bytes : undefined;
};

/** Stores a fetched feed. The caller holds the state lock. */
async function store(
  options: PollOptions,
  freshness: Freshness,
  { etag }: Fetched & { readonly status: "ok" },
  { verified, staged: files }: Fresh,
): Promise<Polled> {
  const { directory } = options;
  await directory.removeTag();
  await directory.host.settle();
  await files.commit();
  await directory.writeManifest(verified.files.manifest);
  await noteTime(options, freshness);
  if (etag !== undefined) await directory.writeTag(etag);
  return polled(verified, true);
}

/**
 * Requires that the feed which this host verified last is still fresh. It is called if the feed has nothing
 * or does not answer: a feed that is withheld must not pass for one that is out of reach for longer than its
 * metadata is good.
 *
 * @throws RebootlessError `expired`.
 */
async function requireFresh(options: PollOptions, freshness: Freshness, why: RebootlessError): Promise<void> {
  try {
    await atAcceptedTime(freshness, (now) => verifyStored(options, enforcedAt(now)));
  } catch (error) {
    if (!isCode(error, "expired")) throw error;
    throw new RebootlessError("expired", `${why.message}, and what this host verified last has expired`, {
      cause: error,
      hint: `${why.hint ?? ""} Somebody may keep news from this host: ask the publisher whether this kernel is still covered.`.trim(),
      details: error.details,
    });
  }
}

/** Makes the error of an expired folder, which only a courier can refresh. */
function outOfDate({ url }: Feed, cause: RebootlessError): RebootlessError {
  return new RebootlessError("expired", `${fileURLToPath(url)} is out of date: ${cause.message}`, {
    hint: "Bring a newer copy. Where a courier takes this long, `accept_stale` says how late is right; check the clock, too.",
    details: cause.details,
  });
}

/**
 * Passes over an expired root: a newer stored root may be lost, and this is the provisioned one. The feed has
 * the newer root.
 */
function unlessRootExpired(error: unknown): undefined {
  if (isCode(error, "expired") && error.details["role"] === "root") return undefined;
  throw error;
}

function unlessExpired(error: unknown): undefined {
  if (!isCode(error, "expired")) throw error;
}

function notCovered({ feed, buildId, kernel }: PollOptions, fetched: Fetched): RebootlessError {
  const name = kernel ? `${kernel.release}, build ID ${buildId}` : buildId;
  const searchable = fetched.status === "not_found" && fetched.code === "not_covered";
  return new RebootlessError("not_covered", `${feed.url} has nothing for kernel ${name}`, {
    hint: "Updates are made for exact kernel builds; a distribution's stock kernel is the most likely to be covered.",
    details: { build_id: buildId, feed: feed.url, searchable, ...(kernel && { release: kernel.release }) },
  });
}
