import type { BuildId } from "../../shared/brand.ts";
import { concatBytes, equalBytes } from "../../shared/bytes.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
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
import { feedKey, type Kept, keptKey, keptOfKey, keptPrefix } from "../store/keys.ts";
import type { Listing, Notes, Store } from "../store/store.ts";
import { expiryNote } from "./expiries.ts";
import { SNAPSHOT_LIFE, TIMESTAMP_LIFE } from "./lives.ts";

/** A kernel's feed.json as it is in force, without its manifest. */
export interface StoredHead {
  /** Bytes of the whole file. */
  readonly length: number;
  readonly bundle: BundleHead;
  readonly versions: Versions;
  readonly envelopes: Readonly<Record<"timestamp" | "snapshot", Envelope>>;
  readonly targets: Targets;
}

/** All of it, and what the next one builds on. */
export interface StoredFeed extends StoredHead {
  /** For the compare-and-swap. */
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

/** For who needs no manifest: however large that is, it is neither read nor decoded. */
export async function readFeedHead(store: Store, id: BuildId): Promise<StoredHead | undefined> {
  const file = await store.get(feedKey(id));
  if (!file) return undefined;
  const bytes = await readBeginning(file.stream());
  return undamaged(id, () => {
    const bundle = decodeBundleHead(bytes);
    return { length: file.length, bundle, ...metadataOf(bundle) };
  });
}

/** What comes before a bundle's manifest; all of it where there is none. */
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

/** A bundle that passed for what hosts take, ready to be put in force. */
export interface ReadyFeed {
  readonly bundle: Bundle;
  /** Its feed.json. */
  readonly bytes: Uint8Array;
  readonly notes: Notes;
}

/**
 * Puts a bundle in force: one conditional write makes everything new visible at once. What it replaces stays under a name of its
 * versions, where its snapshot is not the one that goes on: those bytes were in force, so whoever keeps them keeps the same.
 */
export async function commitFeed(
  store: Store,
  current: StoredFeed | undefined,
  { bundle, bytes, notes }: ReadyFeed,
): Promise<{ readonly kind: "committed"; readonly etag: string } | { readonly kind: "stale" }> {
  const key = feedKey(bundle.buildId);
  const done = current
    ? await store.replace(key, current.revision, bytes, notes, await nameToKeep(current, bundle))
    : await store.create(key, bytes, notes);
  if (done === "stale" || done === "exists") return { kind: "stale" };
  return { kind: "committed", etag: etagOf(await sha256Of(bytes)) };
}

async function nameToKeep({ bundle, versions }: StoredFeed, next: Bundle): Promise<string | undefined> {
  if (equalBytes(bundle.snapshot, next.snapshot)) return undefined;
  return keptKey(bundle.buildId, { ...versions, manifest: await sha256Of(bundle.manifest) });
}

/** A feed that was in force once, found by what its name says of it. */
export async function findKept(
  store: Store,
  id: BuildId,
  wanted: (kept: Kept) => boolean,
): Promise<Listing["files"][number] | undefined> {
  for (let page = await store.list(keptPrefix(id)); ; page = await store.list(keptPrefix(id), page.next)) {
    const found = page.files.find(({ key }) => wanted(keptOfKey(key)));
    if (found) return found;
    if (page.next === undefined) return undefined;
  }
}

/** The small files of a feed that was in force once. */
export async function readKeptHead(
  store: Store,
  id: BuildId,
  wanted: (kept: Kept) => boolean,
): Promise<BundleHead | undefined> {
  const found = await findKept(store, id, wanted);
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

/** Beside the bytes, so that a poll which changes nothing reads nothing else. */
export function notesOf(
  { timestamp, snapshot, targets }: { timestamp: Timestamp; snapshot: Snapshot; targets: Targets },
  rootVersion: number,
): Notes {
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
