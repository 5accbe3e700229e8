import { digests, sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { encodeBundle } from "../../shared/feed/bundle.ts";
import { artifactPath, feedPath } from "../../shared/feed/paths.ts";
import { type Clock, DAY, instant } from "../../shared/time.ts";
import { fileMeta, snapshotDocument, timestampDocument } from "../../shared/tuf/metadata.ts";
import { targetsFile } from "../feed/targets_file.ts";
import { newKey } from "../keys/key_file.ts";
import { firstRoot } from "../keys/root.ts";
import { signWithSecrets } from "../keys/sign.ts";

/** A feed of one kernel whose keys are gone: they sign it, and are kept nowhere. */
export interface ThrowawayFeed {
  readonly root: Uint8Array;
  /** The files of the feed, by their paths below its folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const LIFETIME_MS = 1 * DAY;

/**
 * Signs a manifest with new keys, so that a host verifies it as it verifies every feed.
 * @param manifest the bytes of the draft.
 * @param artifacts the modules that it names.
 */
export async function throwawayFeed(
  buildId: BuildId,
  manifest: Uint8Array,
  artifacts: readonly Uint8Array[],
  clock: Clock,
): Promise<ThrowawayFeed> {
  const [root, targets, snapshot, timestamp] = await Promise.all([newKey(), newKey(), newKey(), newKey()]);
  const keys = { root: [root], targets: [targets], snapshot: [snapshot], timestamp: [timestamp] };
  const thresholds = { root: 1, targets: 1, snapshot: 1, timestamp: 1 };
  const common = { version: 1, expires: instant(clock() + LIFETIME_MS) };
  const targetsBytes = signWithSecrets(await targetsFile({ ...common, buildId, manifest }), keys.targets);
  const snapshotBytes = signWithSecrets(
    snapshotDocument({ ...common, targets: await fileMeta(1, targetsBytes, digests) }),
    keys.snapshot,
  );
  const timestampBytes = signWithSecrets(
    timestampDocument({ ...common, snapshot: await fileMeta(1, snapshotBytes, digests) }),
    keys.timestamp,
  );
  const bundle = encodeBundle({
    buildId,
    roots: [],
    timestamp: timestampBytes,
    snapshot: snapshotBytes,
    targets: targetsBytes,
    manifest,
  });
  return {
    root: firstRoot({ keys, thresholds }, clock),
    files: new Map([
      [feedPath(buildId), bundle],
      ...artifacts.map((bytes) => [artifactPath(sha256Of(bytes)), bytes] as const),
    ]),
  };
}
