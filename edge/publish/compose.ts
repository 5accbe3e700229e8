import { equalBytes } from "../../shared/bytes.ts";
import type { Digests } from "../../shared/crypto/digests.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { BUNDLED_ROOTS, type Bundle, decodeBundle, encodeBundle } from "../../shared/feed/bundle.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import type { Publication, RestoredVersions } from "../../shared/feed/publication.ts";
import { type Instant, instant } from "../../shared/time.ts";
import { fileMeta, snapshotDocument, timestampDocument } from "../../shared/tuf/metadata.ts";
import { type OnlineKeys, signOnline } from "../../shared/tuf/online_keys.ts";
import { decodeSnapshot, parseEnvelope, type Root, type Targets } from "../../shared/tuf/schema.ts";
import { roleOf, type TrustedSet } from "../../shared/tuf/trusted_set.ts";
import type { Verifier } from "../../shared/tuf/verifier.ts";
import { verifyFile, verifyThreshold } from "../../shared/tuf/verify.ts";
import { SNAPSHOT_LIFETIME, TIMESTAMP_LIFETIME } from "./lifetimes.ts";
import type { RootChain } from "./roots.ts";
import { notesOf, type ReadyFeed, type StoredFeed } from "./stored_feed.ts";

export interface Signing extends Verifier {
  readonly keys: OnlineKeys;
  readonly now: Instant;
}

/**
 * The amount by which versions rise above those of a restored backup. It is unknown how often the feed was
 * signed after the backup was made, and a host refuses a version lower than one it saw. A kernel's feed is
 * signed twice a week, and at each publish.
 */
const RESTORED_LEAP = 1000;

/** Makes the bundle that puts new targets in force. Its snapshot and timestamp follow the current ones. */
export async function composeNew(
  content: Omit<Publication, "base"> & { readonly version: number },
  current: StoredFeed | undefined,
  chain: RootChain,
  signing: Signing,
): Promise<Bundle> {
  const { buildId, targets, manifest, version, restored } = content;
  const next = (role: keyof RestoredVersions) =>
    Math.max(current?.versions[role] ?? 0, restored ? restored[role] + RESTORED_LEAP : 0) + 1;
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

/**
 * Makes a bundle of the same targets with a new timestamp. The snapshot is new too if half of its lifetime is
 * over, or if its key is no longer the one that the root names.
 */
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
 * Runs the client's workflow over a bundle before it can be read, as a host that has the current one would.
 *
 * @param chain cannot be used again: the bundle is loaded into its set.
 * @throws RebootlessError with the code of the check that failed.
 */
export async function smokeTest(
  { set }: RootChain,
  current: StoredFeed | undefined,
  bundle: Bundle,
  digests: Digests,
): Promise<ReadyFeed> {
  const bytes = encodeBundle(bundle);
  const served = decodeBundle(bytes);
  if (current) await unlessKeysRotated(() => set.updateTimestamp(current.bundle.timestamp, "cached"));
  if ((await set.updateTimestamp(served.timestamp)) !== "newer") {
    throw new RebootlessError("trust", "the new timestamp has the version of the old one");
  }
  if (current) await unlessKeysRotated(() => set.updateSnapshot(current.bundle.snapshot, "cached"));
  const snapshot = await set.updateSnapshot(served.snapshot);
  const targets = await acceptedTargets(set, current, served.targets);
  const { timestamp } = set;
  if (!timestamp) throw new RebootlessError("trust", "the timestamp was not accepted");
  const ready = { bundle, bytes, notes: notesOf({ timestamp, snapshot, targets }, set.root.version) };
  if (!set.targets) return ready;
  const target = set.target(manifestTarget(bundle.buildId));
  if (!target) throw new RebootlessError("trust", "targets does not name the manifest");
  await verifyFile(served.manifest, target, "the manifest", digests);
  if (!equalBytes(served.manifest, bundle.manifest))
    throw new RebootlessError("trust", "the bundle lost bytes");
  return ready;
}

/**
 * Loads targets into the set and returns them. Targets that are in force and have expired are returned as they are: the
 * edge goes on signing that they are the newest, so that hosts see that the publisher let them expire.
 */
async function acceptedTargets(
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

/** Ignores files whose keys a newer root replaced: they no longer limit what may follow (TUF specification, 5.3.11). */
async function unlessKeysRotated(read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!isCode(error, "trust")) throw error;
  }
}

async function stillSound(bytes: Uint8Array, root: Root, { verify, now }: Signing): Promise<boolean> {
  const envelope = parseEnvelope(bytes, "snapshot");
  if (decodeSnapshot(envelope.signed).expires - SNAPSHOT_LIFETIME / 2 <= now) return false;
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
  { keys, now, digests }: Signing,
): Promise<Uint8Array> {
  const meta = await fileMeta(targetsVersion, targets, digests);
  const signed = snapshotDocument({ version, expires: instant(now + SNAPSHOT_LIFETIME), targets: meta });
  return signOnline("snapshot", signed, keys, root);
}

async function signTimestamp(
  version: number,
  snapshotVersion: number,
  snapshot: Uint8Array,
  root: Root,
  { keys, now, digests }: Signing,
): Promise<Uint8Array> {
  const meta = await fileMeta(snapshotVersion, snapshot, digests);
  const signed = timestampDocument({ version, expires: instant(now + TIMESTAMP_LIFETIME), snapshot: meta });
  return signOnline("timestamp", signed, keys, root);
}
