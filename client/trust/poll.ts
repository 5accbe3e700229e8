import { fileURLToPath } from "node:url";
import type { Feed, Fetched } from "../../node/transport/feed.ts";
import { type Freshness, judged, saneTime } from "../../node/transport/freshness.ts";
import { nodeVerifier } from "../../node/verifier.ts";
import type { BuildId } from "../../shared/brand.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { bundleSource } from "../../shared/feed/bundle_source.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import type { Clock, Instant } from "../../shared/time.ts";
import { type Expiry, enforcedAt, IGNORE_EXPIRY_UNSAFE } from "../../shared/tuf/expiry.ts";
import { type MetadataSource, type MetadataStore, type OnDamage, refresh } from "../../shared/tuf/refresh.ts";
import { type StagedStore, staged } from "../../shared/tuf/staged_store.ts";
import type { TrustedSet } from "../../shared/tuf/trusted_set.ts";
import { cachedSource, rootsOf } from "./sources.ts";
import type { TrustDir } from "./trust_dir.ts";
import { type WatchedStore, watchedStore } from "./watched_store.ts";

/** A manifest that was verified, and under what. */
export interface Verified {
  readonly manifest: KernelManifest;
  readonly trusted: TrustedSet;
}

export interface Polled {
  readonly manifest: KernelManifest;
  /** Of targets. */
  readonly version: number;
  /** When this stops being good. */
  readonly expires: Instant;
  readonly changed: boolean;
}

/** Whose metadata, against which root of trust, and where it is kept. */
export interface Subject {
  readonly directory: TrustDir;
  readonly provisionedRoot: Uint8Array;
  readonly buildId: BuildId;
}

export interface PollOptions extends Subject {
  readonly feed: Feed;
  /** Named where the feed has nothing for it. */
  readonly kernel?: KernelIdentity;
  readonly clock: Clock;
  /** Metadata that expired less than this many milliseconds ago is taken, and `notice` told of it. */
  readonly acceptStaleMs?: number;
  readonly notice?: (line: string) => void;
  /** Called before anything is written: waits until nobody else writes. */
  readonly exclusive?: () => Promise<void>;
}

/**
 * Asks the feed once and verifies whatever is the answer. Nothing is kept unless all of it holds, down to the
 * manifest and its binding to this kernel. Throws `unreachable`, `not_covered`, `trust`, `rollback`,
 * `expired`, `parse`.
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
 * Verifies what is kept, without the state lock: most polls bring nothing new and keep nobody waiting. Where it does not
 * verify, another run may just be writing it, so that only what is found under the lock counts. Throws `expired`.
 */
async function verifyCached(options: PollOptions, freshness: Freshness): Promise<Verified | undefined> {
  const verifyNow = () =>
    judged(freshness, (now) => readCached(options, enforcedAt(now))).catch(unlessRootExpired);
  const unlocked = await verifyNow().catch(unlessExpired);
  if (unlocked) return unlocked;
  await options.exclusive?.();
  return verifyNow();
}

/**
 * Does without a feed: what was verified before, verified again now. Throws `unreachable` where there is nothing,
 * and as `poll`.
 */
export async function pollCache(options: PollOptions): Promise<Polled> {
  await options.exclusive?.();
  const freshness = await freshnessOf(options);
  const cached = await judged(freshness, (now) => readCached(options, enforcedAt(now)));
  if (cached) return unchanged(options, freshness, cached);
  throw new RebootlessError("unreachable", "nothing that was verified before is at hand", {
    hint: "Run `rebootless check` once with the feed in reach.",
  });
}

async function unchanged(options: PollOptions, freshness: Freshness, cached: Verified): Promise<Polled> {
  await noteTime(options, freshness);
  return polled(cached, false);
}

/** Keeps when this host last verified something: a clock that goes back is found out by it, whatever the feed sends. */
async function noteTime({ directory, exclusive }: PollOptions, { now }: Freshness): Promise<void> {
  if (await directory.host.isTimeNoted(now)) return;
  await exclusive?.();
  await directory.host.noteTime(now);
}

function polled({ manifest, trusted }: Verified, changed: boolean): Polled {
  const { timestamp, targets, root } = trusted;
  const version = targets?.version ?? 0;
  return { manifest, version, expires: timestamp?.expires ?? root.expires, changed };
}

async function freshnessOf(options: PollOptions): Promise<Freshness> {
  const { clock, directory, acceptStaleMs = 0, notice = () => undefined } = options;
  if (await directory.isOfAnotherRoot()) {
    await options.exclusive?.();
    // A newer version of the old root, kept here, would go on deciding.
    notice("warning: the root of trust was replaced; what was verified under the old one is forgotten");
    await directory.host.forget();
  }
  return { now: saneTime(clock, await directory.host.latestTime()), acceptStaleMs, notice };
}

async function accept(options: PollOptions, freshness: Freshness, fetched: Fetched): Promise<Polled> {
  if (fetched.status !== "ok") throw notCovered(options, fetched);
  const verdict = await verdictOn(options, freshness, fetched.bytes);
  await options.exclusive?.();
  const stands = await verdict.kept.isUnchanged();
  return keep(
    options,
    freshness,
    fetched,
    stands ? verdict : await verdictOn(options, freshness, fetched.bytes),
  );
}

/** A bundle that verified, against what is kept. */
interface Verdict extends Verified {
  readonly bundle: Bundle;
  readonly kept: WatchedStore;
  /** What is to be kept of it. */
  readonly staged: StagedStore;
}

/** Reached without the state lock: what a feed sends is parsed and verified at nobody else's expense. */
async function verdictOn(options: PollOptions, freshness: Freshness, bytes: Uint8Array): Promise<Verdict> {
  try {
    const bundle = decodeBundle(bytes);
    return await judged(freshness, (now) => verdictAt(options, now, bundle));
  } catch (error) {
    // Whoever damaged it, what does not even parse is not what was signed.
    if (!isCode(error, "parse") && !isCode(error, "limit")) throw error;
    throw new RebootlessError("trust", `${options.feed.url} sent something that is not a feed`, {
      cause: error,
      hint: "It was damaged or replaced on its way, or this is not the address of a feed. Nothing was kept.",
    });
  }
}

async function verdictAt(options: PollOptions, now: Instant, bundle: Bundle): Promise<Verdict> {
  const { feed, directory, buildId, notice = () => undefined } = options;
  const kept = watchedStore(directory.metadata);
  const store = staged(kept);
  const source = bundleSource(bundle, rootsOf(feed, buildId));
  const verified = await verifyAll(options, enforcedAt(now), source, store, bundle.manifest, (role, cause) =>
    notice(`warning: the ${role} that this host kept was damaged (${cause.message}); it was replaced`),
  );
  return { ...verified, bundle, kept, staged: store };
}

/** For who holds the state lock. */
async function keep(
  options: PollOptions,
  freshness: Freshness,
  { etag }: Fetched & { readonly status: "ok" },
  verdict: Verdict,
): Promise<Polled> {
  const { directory } = options;
  await directory.removeTag();
  await directory.host.settle();
  await verdict.staged.commit();
  await directory.writeManifest(verdict.bundle.manifest);
  await noteTime(options, freshness);
  if (etag !== undefined) await directory.writeTag(etag);
  return polled(verdict, true);
}

/**
 * Where the feed has nothing or does not answer, what this host verified last must still be fresh: who withholds a feed
 * shall not be taken for one that is out of reach for longer than its metadata is good. Throws `expired`.
 */
async function requireFresh(options: PollOptions, freshness: Freshness, why: RebootlessError): Promise<void> {
  try {
    await judged(freshness, (now) => readCached(options, enforcedAt(now)));
  } catch (error) {
    if (!isCode(error, "expired")) throw error;
    throw new RebootlessError("expired", `${why.message}, and what this host verified last has expired`, {
      cause: error,
      hint: `${why.hint ?? ""} Somebody may keep news from this host: ask the publisher whether this kernel is still covered.`.trim(),
      details: error.details,
    });
  }
}

/** Nobody refreshes a stick but who carries it. */
function outOfDate({ url }: Feed, cause: RebootlessError): RebootlessError {
  return new RebootlessError("expired", `${fileURLToPath(url)} is out of date: ${cause.message}`, {
    hint: "Bring a newer copy. Where a courier takes this long, `accept_stale` says how late is right; check the clock, too.",
    details: cause.details,
  });
}

const DAMAGE = ["trust", "parse", "rollback"] as const;

/** An expired root may be damage: the newer one that was kept is lost, and this is the provisioned one. The feed has it. */
function unlessRootExpired(error: unknown): undefined {
  if (isCode(error, "expired") && error.details["role"] === "root") return undefined;
  throw error;
}

function unlessExpired(error: unknown): undefined {
  if (!isCode(error, "expired")) throw error;
}

/** What was verified before, if it still verifies now. An expired cache is an error, a damaged one is none. */
async function readCached(subject: Subject, expiry: Expiry): Promise<Verified | undefined> {
  const { directory } = subject;
  const manifest = await directory.readManifest();
  if (manifest === undefined) return undefined;
  try {
    const source = cachedSource(directory.metadata);
    return await verifyAll(subject, expiry, source, staged(directory.metadata), manifest);
  } catch (error) {
    if (DAMAGE.some((code) => isCode(error, code))) return undefined;
    throw error;
  }
}

/**
 * The manifest that was verified last, whether or not it has expired since: looking at what is applied, undoing it and putting
 * it back after a reboot must not depend on a fresh feed.
 */
export async function lastVerified(subject: Subject): Promise<Verified | undefined> {
  return readCached(subject, IGNORE_EXPIRY_UNSAFE);
}

/** One kernel's metadata and manifest from any source, against the root of trust. Throws as TrustedSet and the source do. */
export async function verifyAll(
  { provisionedRoot, buildId }: Subject,
  expiry: Expiry,
  source: MetadataSource,
  store: MetadataStore,
  manifestBytes: Uint8Array,
  onDamage: OnDamage = () => undefined,
): Promise<Verified> {
  const trusted = await refresh({ source, store, provisionedRoot, verifier: nodeVerifier, expiry, onDamage });
  return { manifest: await verifyManifest(trusted, buildId, manifestBytes, nodeVerifier.digests), trusted };
}

function notCovered({ feed, buildId, kernel }: PollOptions, fetched: Fetched): RebootlessError {
  const name = kernel ? `${kernel.release}, build ID ${buildId}` : buildId;
  const searchable = fetched.status === "not_found" && fetched.code === "not_covered";
  return new RebootlessError("not_covered", `${feed.url} has nothing for kernel ${name}`, {
    hint: "Updates are made for exact kernel builds; a distribution's stock kernel is the most likely to be covered.",
    details: { build_id: buildId, feed: feed.url, searchable, ...(kernel && { release: kernel.release }) },
  });
}
