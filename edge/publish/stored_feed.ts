import type { BuildId } from "../../shared/brand.ts";
import { concatBytes, equalBytes } from "../../shared/bytes.ts";
import type { Digests } from "../../shared/crypto/digests.ts";
import { RebootlessError } from "../../shared/errors.ts";
import {
  type Bundle,
  type BundleHead,
  decodeBundle,
  decodeBundleHead,
  manifestAt,
} from "../../shared/feed/bundle.ts";
import { etagOf } from "../../shared/http/etag.ts";
import { formatInstant, type Instant, instant, parseInstant } from "../../shared/time.ts";
import {
  decodeSnapshot,
  decodeTargets,
  decodeTimestamp,
  type Envelope,
  parseEnvelope,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "../../shared/tuf/schema.ts";
import {
  feedKey,
  type PreviousFeed,
  previousFeedKey,
  previousFeedOfKey,
  previousFeedsPrefix,
} from "../store/keys.ts";
import type { Notes, Store, StoreListing } from "../store/store.ts";
import { expiryNote } from "./expiries.ts";
import { SNAPSHOT_LIFETIME, TIMESTAMP_LIFETIME } from "./lifetimes.ts";

/** A kernel's feed.json in force, without its manifest. */
export interface StoredHead {
  /** The length of the whole file, in bytes. */
  readonly length: number;
  readonly bundle: BundleHead;
  readonly versions: Versions;
  readonly envelopes: Readonly<Record<"timestamp" | "snapshot", Envelope>>;
  readonly targets: Targets;
}

/** A kernel's feed.json in force, with all that the next one is made from. */
export interface StoredFeed extends StoredHead {
  /** The revision that a compare-and-swap must find. */
  readonly revision: string;
  readonly notes: Notes;
  readonly bundle: Bundle;
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
  return undamaged(id, () => {
    const bundle = decodeBundle(bytes);
    const { revision, notes, length } = file;
    return { revision, notes, length, bundle, ...metadataOf(bundle) };
  });
}

/** Reads a feed without its manifest, which is neither read nor decoded however large it is. */
export async function readFeedHead(store: Store, id: BuildId): Promise<StoredHead | undefined> {
  const file = await store.get(feedKey(id));
  if (!file) return undefined;
  const bytes = await readBeginning(file.stream());
  return undamaged(id, () => {
    const bundle = decodeBundleHead(bytes);
    return { length: file.length, bundle, ...metadataOf(bundle) };
  });
}

/** Reads the bytes before a bundle's manifest, or all of the bundle if it has none. */
async function readBeginning(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader();
  let bytes: Uint8Array = new Uint8Array();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const searched = bytes.length;
    bytes = concatBytes([bytes, part.value]);
    const end = manifestAt(bytes, searched);
    if (end < 0) continue;
    await reader.cancel();
    return bytes.subarray(0, end);
  }
  return bytes;
}

function undamaged<T>(id: BuildId, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new RebootlessError("io", `the stored feed of kernel ${id} is damaged`, { cause });
  }
}

/** A bundle that hosts would accept, as a test has shown, ready to be put in force. */
export interface ReadyFeed {
  readonly bundle: Bundle;
  /** The bytes of its feed.json. */
  readonly bytes: Uint8Array;
  readonly notes: Notes;
}

/**
 * Puts a bundle in force: one conditional write makes everything new visible at once. Where the snapshot changes, the feed
 * that is replaced stays under a name made of its versions. Its bytes were in force, so two writers cannot store different
 * ones under this name.
 */
export async function commitFeed(
  store: Store,
  current: StoredFeed | undefined,
  { bundle, bytes, notes }: ReadyFeed,
  digests: Digests,
): Promise<{ readonly kind: "committed"; readonly etag: string } | { readonly kind: "stale" }> {
  const key = feedKey(bundle.buildId);
  const done = current
    ? await store.replace(key, current.revision, bytes, notes, await keyForPrevious(current, bundle, digests))
    : await store.create(key, bytes, notes);
  if (done === "stale" || done === "exists") return { kind: "stale" };
  return { kind: "committed", etag: etagOf(await digests.sha256(bytes)) };
}

async function keyForPrevious(
  { bundle, versions }: StoredFeed,
  next: Bundle,
  digests: Digests,
): Promise<string | undefined> {
  if (equalBytes(bundle.snapshot, next.snapshot)) return undefined;
  return previousFeedKey(bundle.buildId, { ...versions, manifest: await digests.sha256(bundle.manifest) });
}

/** Finds a feed that was in force before, by the versions in its key. */
export async function findPreviousFeed(
  store: Store,
  id: BuildId,
  wanted: (previous: PreviousFeed) => boolean,
): Promise<StoreListing["files"][number] | undefined> {
  for (
    let page = await store.list(previousFeedsPrefix(id));
    ;
    page = await store.list(previousFeedsPrefix(id), page.next)
  ) {
    const found = page.files.find(({ key }) => wanted(previousFeedOfKey(key)));
    if (found) return found;
    if (page.next === undefined) return undefined;
  }
}

/** Reads a feed that was in force before, without its manifest. */
export async function readPreviousHead(
  store: Store,
  id: BuildId,
  wanted: (previous: PreviousFeed) => boolean,
): Promise<BundleHead | undefined> {
  const found = await findPreviousFeed(store, id, wanted);
  const file = found && (await store.get(found.key));
  return file && decodeBundleHead(await readBeginning(file.stream()));
}

export const versionsOf = (bundle: BundleHead): Versions => metadataOf(bundle).versions;

function metadataOf({ timestamp, snapshot, targets }: BundleHead) {
  const envelopes = {
    timestamp: parseEnvelope(timestamp, "timestamp"),
    snapshot: parseEnvelope(snapshot, "snapshot"),
  };
  const signed = decodeTargets(parseEnvelope(targets, "targets").signed);
  const versions: Versions = {
    timestamp: decodeTimestamp(envelopes.timestamp.signed).version,
    snapshot: decodeSnapshot(envelopes.snapshot.signed).version,
    targets: signed.version,
  };
  return { envelopes, versions, targets: signed };
}

/** Returns the notes stored beside a feed, so that a poll which finds nothing new reads only them. */
export function notesOf(
  { timestamp, snapshot, targets }: { timestamp: Timestamp; snapshot: Snapshot; targets: Targets },
  rootVersion: number,
): Notes {
  const renew = Math.min(
    timestamp.expires - TIMESTAMP_LIFETIME / 2,
    snapshot.expires - SNAPSHOT_LIFETIME / 2,
  );
  return {
    root: String(rootVersion),
    targets: String(targets.version),
    renew: formatInstant(instant(renew)),
    [expiryNote("timestamp")]: formatInstant(timestamp.expires),
    [expiryNote("snapshot")]: formatInstant(snapshot.expires),
    [expiryNote("targets")]: formatInstant(targets.expires),
  };
}

/** Returns the time at which the edge should sign a feed again, when half of a lifetime is over. */
export const renewalTime = (notes: Notes): Instant => parseInstant(notes["renew"] ?? "");

/** Tells whether a feed should be signed again now: it is due, or there is a newer root. */
export const isDue = (notes: Notes, now: Instant, newestRoot: number): boolean =>
  Number(notes["root"]) < newestRoot || renewalTime(notes) <= now;
