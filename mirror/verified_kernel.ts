import { sha256Of } from "../node/crypto.ts";
import { atAcceptedTime, type Freshness } from "../node/transport/freshness.ts";
import { nodeVerifier } from "../node/verifier.ts";
import type { BuildId } from "../shared/brand.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import type { Bundle } from "../shared/feed/bundle.ts";
import { type IndexLine, indexLine } from "../shared/feed/kernel_index.ts";
import { consistentTarget, feedPath, metadataPath, rootPath, targetsPath } from "../shared/feed/paths.ts";
import { feedOfFiles, type VerifiedFeed, verifyFeed } from "../shared/feed/verified_feed.ts";
import type { Instant } from "../shared/time.ts";
import { type Expiry, enforcedAt, IGNORE_EXPIRY_UNSAFE } from "../shared/tuf/expiry.ts";
import type { MetadataStore } from "../shared/tuf/refresh.ts";
import { TOP_ROLES, type TopRole } from "../shared/tuf/schema.ts";
import { staged } from "../shared/tuf/staged_store.ts";
import type { MirrorTrust } from "./mirror_trust.ts";

/** The feed of a kernel that verified as a whole, by the workflow that hosts run. */
export interface VerifiedKernel extends VerifiedFeed {
  /** The bundle. It holds the mirror's own roots, not those that came along. */
  readonly bundle: Bundle;
}

/**
 * Verifies the files that came for a kernel against the mirror's trust and against the files that the mirror
 * has: nothing may be older. Bytes that do not parse are `trust` too, because they cannot be the signed ones.
 *
 * @param previous the kernel's files in the mirror, as the feed signed them.
 * @param freshness if it is undefined, expiry is ignored.
 * @throws RebootlessError `trust`, `rollback`, `expired`.
 */
export async function verifyFetched(
  id: BuildId,
  bundle: Bundle,
  previous: Partial<Bundle> | undefined,
  trust: MirrorTrust,
  freshness: Freshness | undefined,
): Promise<VerifiedKernel> {
  try {
    if (!freshness) return await verifyMirrored(id, bundle, previous, trust, IGNORE_EXPIRY_UNSAFE);
    return await atAcceptedTime(freshness, (now) =>
      verifyMirrored(id, bundle, previous, trust, enforcedAt(now)),
    );
  } catch (error) {
    if (!isCode(error, "parse") && !isCode(error, "limit")) throw error;
    throw new RebootlessError("trust", `what came for kernel ${id} is not a feed`, { cause: error });
  }
}

/**
 * Verifies a kernel's feed by the newest root of the mirror.
 *
 * @param previous the kernel's files in the mirror, which the feed must not fall behind; if it is undefined,
 * nothing is compared.
 * @throws RebootlessError `trust`, `rollback`, `expired`, `parse`, `limit`.
 */
export async function verifyMirrored(
  id: BuildId,
  bundle: Bundle,
  previous: Partial<Bundle> | undefined,
  trust: MirrorTrust,
  expiry: Expiry,
): Promise<VerifiedKernel> {
  const verified = await verifyFeed(feedOfFiles(id, { root: trust.newest, ...bundle }), {
    store: staged(previousStore(previous)),
    provisionedRoot: trust.newest,
    verifier: nodeVerifier,
    expiry,
  });
  // Metadata of the same version that is here already stays, byte for byte (TUF specification 5.4.3.1).
  const { root: _, ...files } = verified.files;
  return { ...verified, bundle: { buildId: id, roots: trust.bundled, ...files } };
}

/** Tells whether a host whose clock says `now` refuses this metadata as `expired`. */
export const hasExpired = (
  trusted: Readonly<Record<TopRole, { readonly expires: Instant }>>,
  now: Instant,
): boolean => TOP_ROLES.some((role) => trusted[role].expires <= now);

function previousStore(previous: Partial<Bundle> | undefined): MetadataStore {
  const files = new Map<string, Uint8Array | undefined>(
    previous
      ? [
          ["timestamp", previous.timestamp],
          ["snapshot", previous.snapshot],
          ["targets", previous.targets],
        ]
      : [],
  );
  return {
    read: async (role) => files.get(role),
    write: async () => undefined,
    remove: async () => undefined,
  };
}

/** A file of a mirror: its bytes, or the other path at which the same file lies. */
export type MirrorFile =
  | { readonly path: string; readonly bytes: Uint8Array }
  | { readonly path: string; readonly same: string };

/**
 * Returns every file that a kernel in force has below `kernels/`.
 *
 * @param feed the bundle, encoded as feed.json.
 */
export function filesOfKernel(
  { bundle, trusted }: VerifiedKernel,
  feed: Uint8Array,
  trust: MirrorTrust,
): readonly MirrorFile[] {
  const id = bundle.buildId;
  const metadata = metadataPath(id);
  const roots: MirrorFile[] = [];
  for (let version = trust.first; version <= trust.version; version++) {
    roots.push({ path: `${metadata}/${version}.root.json`, same: rootPath(version) });
  }
  const manifest = consistentTarget(id, sha256Of(bundle.manifest));
  return [
    ...roots,
    { path: `${metadata}/${trusted.snapshot.version}.snapshot.json`, bytes: bundle.snapshot },
    { path: `${metadata}/${trusted.targets.version}.targets.json`, bytes: bundle.targets },
    { path: `${targetsPath(id)}/${manifest}`, bytes: bundle.manifest },
    { path: `${metadata}/timestamp.json`, bytes: bundle.timestamp },
    { path: feedPath(id), bytes: feed },
  ];
}

/** Returns a kernel's line of the index. @param feed the bundle, encoded as feed.json. */
export const indexLineOf = ({ manifest, trusted }: VerifiedKernel, feed: Uint8Array): IndexLine =>
  indexLine(manifest, trusted, sha256Of(feed));
