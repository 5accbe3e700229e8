import type { BuildId } from "../brand.ts";
import { type MetadataSource, type RefreshOptions, refresh } from "../tuf/refresh.ts";
import { TOP_ROLES, type TopRole } from "../tuf/role_name.ts";
import type { Root, Snapshot, Targets, Timestamp } from "../tuf/schema.ts";
import type { StagedStore } from "../tuf/staged_store.ts";
import type { TrustedSet } from "../tuf/trusted_set.ts";
import { verifyManifest } from "./binding.ts";
import type { Bundle } from "./bundle.ts";
import { bundleSource } from "./bundle_source.ts";
import type { KernelManifest } from "./manifest.ts";

/** One kernel's feed as it is offered by a server, a folder or a cache. Nothing in it is trusted. */
export interface OfferedFeed {
  readonly buildId: BuildId;
  readonly source: MetadataSource;
  /** The bytes of the manifest. */
  readonly manifest: Uint8Array;
}

/** One kernel's feed that verified: from the root of trust down to the manifest, and its binding to the kernel. */
export interface VerifiedFeed {
  readonly trusted: TrustedMetadata;
  readonly manifest: KernelManifest;
  /** The files that verified, byte for byte; of the roots, the newest. */
  readonly files: FeedFiles;
}

export interface TrustedMetadata {
  readonly root: Root;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
}

export type FeedFiles = Readonly<Record<TopRole | "manifest", Uint8Array>>;

export interface VerifyFeedOptions extends Omit<RefreshOptions, "source" | "store"> {
  /**
   * The store of what verified before, which new files may not fall behind. New files stay in it until it is
   * committed.
   */
  readonly store: StagedStore;
}

/**
 * Verifies one kernel's feed by the client workflow of TUF.
 *
 * @throws RebootlessError `trust`, `rollback`, `expired`, `parse`, and what the source throws.
 */
export async function verifyFeed(
  { buildId, source, manifest }: OfferedFeed,
  options: VerifyFeedOptions,
): Promise<VerifiedFeed> {
  const trusted = complete(await refresh({ ...options, source }));
  const verified = await verifyManifest(trusted, buildId, manifest, options.verifier.digests);
  const roles = await Promise.all(
    TOP_ROLES.map(async (role) => [role, present(await options.store.read(role), role)] as const),
  );
  const files = { ...(Object.fromEntries(roles) as Record<TopRole, Uint8Array>), manifest };
  return { trusted, manifest: verified, files };
}

function complete({ root, timestamp, snapshot, targets }: TrustedSet): TrustedMetadata {
  return {
    root,
    timestamp: present(timestamp, "timestamp"),
    snapshot: present(snapshot, "snapshot"),
    targets: present(targets, "targets"),
  };
}

/** Returns a role that must be there: a refresh that ended well has trusted and stored every role. */
function present<T>(value: T | undefined, role: TopRole): T {
  if (value !== undefined) return value;
  throw new Error(`the ${role} is missing after a refresh`);
}

/** Returns the feed that a bundle offers. @param fetchRoot fetches roots that are too old for the bundle. */
export const bundledFeed = (
  bundle: Bundle,
  fetchRoot: (version: number) => Promise<Uint8Array | undefined> = async () => undefined,
): OfferedFeed => ({
  buildId: bundle.buildId,
  source: bundleSource(bundle, fetchRoot),
  manifest: bundle.manifest,
});

/** Returns the feed that single files offer. It has no newer root than theirs. */
export const feedOfFiles = (buildId: BuildId, files: FeedFiles): OfferedFeed => ({
  buildId,
  source: {
    root: async () => undefined,
    timestamp: async () => files.timestamp,
    snapshot: async () => files.snapshot,
    targets: async () => files.targets,
  },
  manifest: files.manifest,
});
