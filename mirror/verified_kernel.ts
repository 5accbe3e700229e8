import { type Freshness, judged } from "../node/transport/freshness.ts";
import { verifyAnyScheme } from "../node/verifier.ts";
import type { BuildId } from "../shared/brand.ts";
import { sha256Of } from "../shared/crypto/digest.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import { verifyManifest } from "../shared/feed/binding.ts";
import { type Bundle, encodeBundle } from "../shared/feed/bundle.ts";
import { bundleSource } from "../shared/feed/bundle_source.ts";
import { type IndexLine, indexLine } from "../shared/feed/kernel_index.ts";
import type { KernelManifest } from "../shared/feed/manifest.ts";
import { consistentTarget, feedPath, metadataPath, rootPath, targetsPath } from "../shared/feed/paths.ts";
import { type Instant, instant } from "../shared/time.ts";
import { type MetadataStore, refresh } from "../shared/tuf/refresh.ts";
import { TOP_ROLES, type TopRole } from "../shared/tuf/schema.ts";
import { staged } from "../shared/tuf/staged_store.ts";
import type { TrustedSet } from "../shared/tuf/trusted_set.ts";
import type { MirrorTrust } from "./mirror_trust.ts";

/** A kernel's feed that verified, whole, by the workflow that hosts run. */
export interface VerifiedKernel {
  /** With the mirror's own roots: those that came along say nothing that they do not. */
  readonly bundle: Bundle;
  readonly manifest: KernelManifest;
  readonly trusted: TrustedSet;
}

/**
 * Verifies what came for a kernel against the mirror's trust and against what the mirror has: nothing may be older.
 * Throws `trust`, `rollback`, `expired`; `parse` becomes `trust`, as what cannot be read was not signed like this.
 *
 * @param previous what the mirror has of the kernel: signed by the feed itself, see `MarkedBundle`.
 * @param freshness undefined ignores expiry.
 */
export async function verifyFetched(
  id: BuildId,
  bundle: Bundle,
  previous: Partial<Bundle> | undefined,
  trust: MirrorTrust,
  freshness: Freshness | undefined,
): Promise<VerifiedKernel> {
  try {
    if (!freshness) return await verifyMirrored(id, bundle, previous, trust, EXPIRY_IS_NO_MATTER);
    return await judged(freshness, (now) => verifyMirrored(id, bundle, previous, trust, now));
  } catch (error) {
    if (!isCode(error, "parse") && !isCode(error, "limit")) throw error;
    throw new RebootlessError("trust", `what came for kernel ${id} is not a feed`, { cause: error });
  }
}

/** Before every expiry date: for what lies in a mirror, which hosts judge by their own clocks. */
export const EXPIRY_IS_NO_MATTER = instant(0);

export async function verifyMirrored(
  id: BuildId,
  bundle: Bundle,
  previous: Partial<Bundle> | undefined,
  trust: MirrorTrust,
  now: Instant,
): Promise<VerifiedKernel> {
  const source = { ...bundleSource(bundle, async () => undefined), root: async () => undefined };
  const store = staged(previousStore(previous));
  const trusted = await refresh({
    source,
    store,
    provisionedRoot: trust.newest,
    now,
    verify: verifyAnyScheme,
  });
  const manifest = await verifyManifest(trusted, id, bundle.manifest);
  // What was there already stays, byte for byte, where the versions are the same (specification 5.4.3.1).
  const kept = async (role: TopRole, came: Uint8Array) => (await store.read(role)) ?? came;
  return {
    bundle: {
      buildId: id,
      roots: trust.bundled,
      timestamp: await kept("timestamp", bundle.timestamp),
      snapshot: await kept("snapshot", bundle.snapshot),
      targets: await kept("targets", bundle.targets),
      manifest: bundle.manifest,
    },
    manifest,
    trusted,
  };
}

/** Whether a host whose clock says `now` refuses what verified at another time as `expired`. */
export const hasExpired = (
  trusted: Readonly<Record<TopRole, { readonly expires: Instant } | undefined>>,
  now: Instant,
): boolean => TOP_ROLES.some((role) => (trusted[role]?.expires ?? 0) <= now);

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

/** A file of a mirror: its bytes, or under which other path the same file lies. */
export type MirrorFile =
  | { readonly path: string; readonly bytes: Uint8Array }
  | { readonly path: string; readonly same: string };

/** Every file that a kernel in force has below `kernels/`, but for its artifacts. */
export async function filesOfKernel(
  { bundle, trusted }: VerifiedKernel,
  trust: MirrorTrust,
): Promise<readonly MirrorFile[]> {
  const id = bundle.buildId;
  const metadata = metadataPath(id);
  const roots: MirrorFile[] = [];
  for (let version = trust.first; version <= trust.version; version++) {
    roots.push({ path: `${metadata}/${version}.root.json`, same: rootPath(version) });
  }
  const manifest = consistentTarget(id, await sha256Of(bundle.manifest));
  return [
    ...roots,
    { path: `${metadata}/${trusted.snapshot?.version}.snapshot.json`, bytes: bundle.snapshot },
    { path: `${metadata}/${trusted.targets?.version}.targets.json`, bytes: bundle.targets },
    { path: `${targetsPath(id)}/${manifest}`, bytes: bundle.manifest },
    { path: `${metadata}/timestamp.json`, bytes: bundle.timestamp },
    { path: feedPath(id), bytes: encodeBundle(bundle) },
  ];
}

export const indexLineOf = async ({ bundle, manifest, trusted }: VerifiedKernel): Promise<IndexLine> =>
  indexLine(manifest, trusted, await sha256Of(encodeBundle(bundle)));
