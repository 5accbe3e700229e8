import { equalBytes } from "../../shared/bytes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { BUNDLED_ROOTS, type Bundle, decodeBundle, encodeBundle } from "../../shared/feed/bundle.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import type { Publication, Restored } from "../../shared/feed/publication.ts";
import { type Instant, instant } from "../../shared/time.ts";
import type { SignatureVerifier } from "../../shared/tuf/keys.ts";
import { fileMeta, snapshotDocument, timestampDocument } from "../../shared/tuf/metadata.ts";
import { type OnlineKeys, signOnline } from "../../shared/tuf/online_keys.ts";
import { decodeSnapshot, parseEnvelope, type Root, type Targets } from "../../shared/tuf/schema.ts";
import { roleOf, type TrustedSet } from "../../shared/tuf/trusted_set.ts";
import { verifyFile, verifyThreshold } from "../../shared/tuf/verify.ts";
import { SNAPSHOT_LIFE, TIMESTAMP_LIFE } from "./lives.ts";
import type { RootChain } from "./roots.ts";
import { notesOf, type ReadyFeed, type StoredFeed } from "./stored_feed.ts";

export interface Signing {
  readonly keys: OnlineKeys;
  readonly verify: SignatureVerifier;
  readonly now: Instant;
}

/**
 * How far above a backup's versions those begin that follow it: nobody knows how often the feed was signed after the backup
 * was made, and a host refuses what goes back. A kernel's is signed twice a week, and at each publish.
 */
const LEAP = 1000;

/** The bundle that puts new targets in force: snapshot and timestamp follow the current ones. */
export async function composeNew(
  content: Omit<Publication, "base"> & { readonly version: number },
  current: StoredFeed | undefined,
  chain: RootChain,
  signing: Signing,
): Promise<Bundle> {
  const { buildId, targets, manifest, version, restored } = content;
  const next = (role: keyof Restored) =>
    Math.max(current?.versions[role] ?? 0, restored ? restored[role] + LEAP : 0) + 1;
  const snapshotVersion = next("snapshot");
  const snapshot = await signSnapshot(snapshotVersion, version, targets, chain.set.root, signing);
  const timestamp = await signTimestamp(
    next("timestamp"),
    snapshotVersion,
    snapshot,
    chain.set.root,
    signing,
  );
  return { buildId, roots: chain.files.slice(-BUNDLED_ROOTS), timestamp, snapshot, targets, manifest };
}

/** The same targets under a new timestamp; and a new snapshot, if the old one is half gone or of another key. */
export async function composeRenewed(
  current: StoredFeed,
  chain: RootChain,
  signing: Signing,
): Promise<Bundle> {
  const { bundle, versions } = current;
  const root = chain.set.root;
  const keep = await stillSound(bundle.snapshot, root, signing);
  const snapshotVersion = versions.snapshot + (keep ? 0 : 1);
  const snapshot = keep
    ? bundle.snapshot
    : await signSnapshot(snapshotVersion, versions.targets, bundle.targets, root, signing);
  const timestamp = await signTimestamp(versions.timestamp + 1, snapshotVersion, snapshot, root, signing);
  return { ...bundle, roots: chain.files.slice(-BUNDLED_ROOTS), timestamp, snapshot };
}

/**
 * Runs the client's workflow over a bundle before anybody can see it, as a host would that has the current one.
 * Throws RebootlessError.
 *
 * @param chain is used up: its set takes in the bundle.
 */
export async function smokeTest(
  { set }: RootChain,
  current: StoredFeed | undefined,
  bundle: Bundle,
): Promise<ReadyFeed> {
  const bytes = encodeBundle(bundle);
  const served = decodeBundle(bytes);
  if (current) await unlessKeysRotated(() => set.updateTimestamp(current.bundle.timestamp, "cached"));
  if ((await set.updateTimestamp(served.timestamp)) !== "newer") {
    throw new RebootlessError("trust", "the new timestamp has the version of the old one");
  }
  if (current) await unlessKeysRotated(() => set.updateSnapshot(current.bundle.snapshot, "cached"));
  const snapshot = await set.updateSnapshot(served.snapshot);
  const targets = await takenTargets(set, current, served.targets);
  const { timestamp } = set;
  if (!timestamp) throw new RebootlessError("trust", "the timestamp was not taken");
  const ready = { bundle, bytes, notes: notesOf({ timestamp, snapshot, targets }, set.root.version) };
  if (!set.targets) return ready;
  const target = set.target(manifestTarget(bundle.buildId));
  if (!target) throw new RebootlessError("trust", "targets does not name the manifest");
  await verifyFile(served.manifest, target, "the manifest");
  if (!equalBytes(served.manifest, bundle.manifest))
    throw new RebootlessError("trust", "the bundle lost bytes");
  return ready;
}

/**
 * Targets that were in force before and have expired since are not taken into the set: the edge goes on to say that they are the
 * newest, so that hosts learn whose fault it is.
 */
async function takenTargets(
  set: TrustedSet,
  current: StoredFeed | undefined,
  targets: Uint8Array,
): Promise<Targets> {
  try {
    return await set.updateTargets(targets);
  } catch (error) {
    if (current && isCode(error, "expired") && equalBytes(targets, current.bundle.targets))
      return current.targets;
    throw error;
  }
}

/** Specification 5.3.11: files signed by keys that a newer root replaced are no mark any more. */
async function unlessKeysRotated(read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!isCode(error, "trust")) throw error;
  }
}

async function stillSound(bytes: Uint8Array, root: Root, { verify, now }: Signing): Promise<boolean> {
  const envelope = parseEnvelope(bytes, "snapshot");
  if (decodeSnapshot(envelope.signed).expires - SNAPSHOT_LIFE / 2 <= now) return false;
  try {
    await verifyThreshold(envelope, roleOf(root, "snapshot"), root.keys, verify, "snapshot");
    return true;
  } catch (error) {
    if (!isCode(error, "trust")) throw error;
    return false;
  }
}

async function signSnapshot(
  version: number,
  targetsVersion: number,
  targets: Uint8Array,
  root: Root,
  { keys, now }: Signing,
): Promise<Uint8Array> {
  const meta = await fileMeta(targetsVersion, targets);
  const signed = snapshotDocument({ version, expires: instant(now + SNAPSHOT_LIFE), targets: meta });
  return signOnline("snapshot", signed, keys, root);
}

async function signTimestamp(
  version: number,
  snapshotVersion: number,
  snapshot: Uint8Array,
  root: Root,
  { keys, now }: Signing,
): Promise<Uint8Array> {
  const meta = await fileMeta(snapshotVersion, snapshot);
  const signed = timestampDocument({ version, expires: instant(now + TIMESTAMP_LIFE), snapshot: meta });
  return signOnline("timestamp", signed, keys, root);
}
