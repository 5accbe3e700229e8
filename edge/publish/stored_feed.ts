import type { BuildId } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type Bundle, decodeBundle, encodeBundle } from "../../shared/feed/bundle.ts";
import { etagOf } from "../../shared/http/etag.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { formatInstant, type Instant, instant, parseInstant } from "../../shared/time.ts";
import { decodeSnapshot, decodeTargets, decodeTimestamp, parseEnvelope } from "../../shared/tuf/schema.ts";
import { feedKey, oldManifestKey, oldMetadataKey } from "../store/keys.ts";
import type { Notes, Store } from "../store/store.ts";
import { expiryNote } from "./expiries.ts";
import { SNAPSHOT_LIFE, TIMESTAMP_LIFE } from "./lives.ts";

/** A kernel's feed.json as it is in force, and what the next one builds on. */
export interface StoredFeed {
  /** For the compare-and-swap. */
  readonly revision: string;
  readonly notes: Notes;
  readonly bundle: Bundle;
  readonly versions: Versions;
}

export interface Versions {
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
}

export async function readFeed(store: Store, id: BuildId): Promise<StoredFeed | undefined> {
  const file = await store.get(feedKey(id));
  if (!file) return undefined;
  const bytes = await file.bytes();
  try {
    const bundle = decodeBundle(bytes);
    return { revision: file.revision, notes: file.notes, bundle, versions: versionsOf(bundle) };
  } catch (cause) {
    throw new RebootlessError("io", `the stored feed of kernel ${id} is damaged`, { cause });
  }
}

/**
 * Puts a bundle in force. What it replaces is kept under version-named keys first: those bytes were in force,
 * so whoever writes them writes the same. Then one conditional put makes everything new visible at once.
 */
export async function commitFeed(
  store: Store,
  current: StoredFeed | undefined,
  bundle: Bundle,
  rootVersion: number,
): Promise<{ readonly kind: "committed"; readonly etag: string } | { readonly kind: "stale" }> {
  const bytes = encodeBundle(bundle);
  const notes = notesOf(bundle, rootVersion);
  const key = feedKey(bundle.buildId);
  if (current) await keepOld(store, current);
  const done = current
    ? await store.replace(key, current.revision, bytes, notes)
    : await store.create(key, bytes, notes);
  if (done === "stale" || done === "exists") return { kind: "stale" };
  return { kind: "committed", etag: etagOf(await sha256Of(bytes)) };
}

/** Throws `limit` for a bundle that no host would take. */
export function withinBundleLimit(bundle: Bundle): void {
  const length = encodeBundle(bundle).length;
  if (length <= MAX_BUNDLE_BYTES) return;
  throw new RebootlessError("limit", `feed.json would have ${length} bytes, ${MAX_BUNDLE_BYTES} are allowed`);
}

async function keepOld(store: Store, { bundle, versions }: StoredFeed): Promise<void> {
  const id = bundle.buildId;
  await Promise.all([
    store.create(oldMetadataKey(id, "snapshot", versions.snapshot), bundle.snapshot),
    store.create(oldMetadataKey(id, "targets", versions.targets), bundle.targets),
    store.create(oldManifestKey(id, await sha256Of(bundle.manifest)), bundle.manifest),
  ]);
}

export function versionsOf(bundle: Bundle): Versions {
  return {
    timestamp: decodeTimestamp(parseEnvelope(bundle.timestamp, "timestamp").signed).version,
    snapshot: decodeSnapshot(parseEnvelope(bundle.snapshot, "snapshot").signed).version,
    targets: decodeTargets(parseEnvelope(bundle.targets, "targets").signed).version,
  };
}

/** Beside the bytes, so that a poll which changes nothing reads nothing else. */
function notesOf(bundle: Bundle, rootVersion: number): Notes {
  const timestamp = decodeTimestamp(parseEnvelope(bundle.timestamp, "timestamp").signed);
  const snapshot = decodeSnapshot(parseEnvelope(bundle.snapshot, "snapshot").signed);
  const targets = decodeTargets(parseEnvelope(bundle.targets, "targets").signed);
  const halfLife = Math.min(timestamp.expires - TIMESTAMP_LIFE / 2, snapshot.expires - SNAPSHOT_LIFE / 2);
  return {
    root: String(rootVersion),
    targets: String(targets.version),
    renew: formatInstant(instant(halfLife)),
    [expiryNote("timestamp")]: formatInstant(timestamp.expires),
    [expiryNote("snapshot")]: formatInstant(snapshot.expires),
    [expiryNote("targets")]: formatInstant(targets.expires),
  };
}

/** From when on the edge should sign again: half of a life is over. */
export const renewedFrom = (notes: Notes): Instant => parseInstant(notes["renew"] ?? "");

/** Whether it should now: then, or when a newer root came. */
export const isDue = (notes: Notes, now: Instant, newestRoot: number): boolean =>
  Number(notes["root"]) < newestRoot || renewedFrom(notes) <= now;
