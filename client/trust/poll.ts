import type { BuildId } from "../../shared/brand.ts";
import { ed25519 } from "../../shared/crypto/ed25519_tweetnacl.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { bundleSource } from "../../shared/feed/bundle_source.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { type Clock, type Instant, instant } from "../../shared/time.ts";
import { signatureVerifier } from "../../shared/tuf/keys.ts";
import { type MetadataSource, type MetadataStore, refresh } from "../../shared/tuf/refresh.ts";
import { staged } from "../../shared/tuf/staged_store.ts";
import type { TrustedSet } from "../../shared/tuf/trusted_set.ts";
import type { Feed, Fetched } from "./feed.ts";
import { cachedSource, rootsOf } from "./sources.ts";
import type { TrustDir } from "./trust_dir.ts";

/** A manifest that was verified, and under what. */
export interface Verified {
  readonly manifest: KernelManifest;
  readonly trusted: TrustedSet;
}

export interface Polled extends Verified {
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
  readonly clock: Clock;
}

const verify = signatureVerifier({ ed25519 });

/**
 * Asks the feed once and verifies whatever is the answer. Nothing is kept unless all of it holds, down to the
 * manifest and its binding to this kernel. Throws `unreachable`, `not_covered`, `trust`, `rollback`,
 * `expired`, `parse`.
 */
export async function poll(options: PollOptions): Promise<Polled> {
  const { feed, directory, buildId } = options;
  const etag = await directory.readTag();
  if (etag !== undefined) {
    const fetched = await feed.get(feedPath(buildId), { maxBytes: MAX_BUNDLE_BYTES, etag });
    if (fetched.status !== "not_modified") return accept(options, fetched);
    const cached = await readCached(options, options.clock);
    if (cached) return { ...cached, changed: false };
    await directory.removeTag(); // the cache was damaged: ask again for all of it
  }
  return accept(options, await feed.get(feedPath(buildId), { maxBytes: MAX_BUNDLE_BYTES }));
}

async function accept(options: PollOptions, fetched: Fetched): Promise<Polled> {
  if (fetched.status !== "ok") throw notCovered(options.feed, options.buildId);
  try {
    return await acceptBundle(options, decodeBundle(fetched.bytes), fetched.etag);
  } catch (error) {
    // Whoever damaged it, what does not even parse is not what was signed.
    if (!isCode(error, "parse") && !isCode(error, "limit")) throw error;
    throw new RebootlessError("trust", `${options.feed.url} sent something that is not a feed`, {
      cause: error,
      hint: "It was damaged or replaced on its way, or this is not the address of a feed. Nothing was kept.",
    });
  }
}

async function acceptBundle(options: PollOptions, bundle: Bundle, etag: string | undefined): Promise<Polled> {
  const { feed, directory, buildId } = options;
  const store = staged(directory.metadata);
  const source = bundleSource(bundle, rootsOf(feed, buildId));
  const verified = await verifyAll(options, options.clock, source, store, bundle.manifest);
  await directory.removeTag();
  await store.commit();
  await directory.writeManifest(bundle.manifest);
  if (etag !== undefined) await directory.writeTag(etag);
  return { ...verified, changed: true };
}

/** What was verified before, if it still verifies now. An expired cache is an error, a damaged one is none. */
async function readCached(subject: Subject, clock: Clock): Promise<Verified | undefined> {
  const { directory } = subject;
  const manifest = await directory.readManifest();
  if (manifest === undefined) return undefined;
  try {
    const source = cachedSource(directory.metadata);
    return await verifyAll(subject, clock, source, staged(directory.metadata), manifest);
  } catch (error) {
    if (error instanceof RebootlessError && ["trust", "parse", "rollback"].includes(error.code))
      return undefined;
    throw error;
  }
}

/** Before every expiry date: looking at what is applied, and undoing it, must not depend on a fresh feed. */
const EXPIRY_IS_NO_MATTER: Clock = (): Instant => instant(0);

/** For `status` and `undo`: the manifest that was verified last, whether or not it has expired since. */
export async function lastVerified(subject: Subject): Promise<Verified | undefined> {
  return readCached(subject, EXPIRY_IS_NO_MATTER);
}

async function verifyAll(
  { provisionedRoot, buildId }: Subject,
  clock: Clock,
  source: MetadataSource,
  store: MetadataStore,
  manifestBytes: Uint8Array,
): Promise<Verified> {
  const trusted = await refresh({ source, store, provisionedRoot, now: clock(), verify });
  return { manifest: await verifyManifest(trusted, buildId, manifestBytes), trusted };
}

function notCovered(feed: Feed, buildId: BuildId): RebootlessError {
  return new RebootlessError("not_covered", `${feed.url} has nothing for kernel ${buildId}`, {
    hint: "Updates are made for exact kernel builds; a distribution's stock kernel is the most likely to be covered.",
    details: { build_id: buildId },
  });
}
