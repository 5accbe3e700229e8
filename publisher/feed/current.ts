import { publisherVerifier } from "../../node/verifier.ts";
import type { BuildId } from "../../shared/brand.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import type { Instant } from "../../shared/time.ts";
import { decodeTargets, parseEnvelope, type Root } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { verifyThreshold } from "../../shared/tuf/verify.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";
import { FeedRoots } from "./feed_roots.ts";
import { newestOwnRoot, type PublisherFolder } from "./publisher_folder.ts";

/**
 * The state of a kernel in the feed: the version of its targets and its manifest, or version 0 and no
 * manifest.
 */
export interface Current {
  readonly version: number;
  /** The expiry of targets; undefined without a manifest. */
  readonly expires: Instant | undefined;
  readonly manifest: KernelManifest | undefined;
  /** The files as received; undefined without a manifest. */
  readonly files: { readonly targets: Uint8Array; readonly manifest: Uint8Array } | undefined;
  /** The root that verified the targets; undefined if nothing was verified. */
  readonly root: Root | undefined;
}

const NOTHING: Current = {
  version: 0,
  expires: undefined,
  manifest: undefined,
  files: undefined,
  root: undefined,
};

/**
 * Reads a kernel's state and verifies it, because a publisher signs only on top of what targets keys signed.
 */
export async function currentManifest(
  edge: EdgeClient,
  folder: Pick<PublisherFolder, "dir">,
  buildId: BuildId,
): Promise<Current> {
  const roots = new FeedRoots(edge, await newestOwnRoot(folder));
  return verifiedState(await currentBundle(edge, buildId), buildId, roots);
}

/**
 * Verifies a kernel's state in a feed.json that was read already, by the root and the signatures of targets
 * alone. The edge's own signatures only say how new they are, and an expired feed is renewed by publishing.
 * If the state is not the newest, publishing ends as a conflict over its version.
 *
 * @throws RebootlessError `trust`, `parse`.
 */
export async function verifiedState(
  bundle: Bundle | undefined,
  buildId: BuildId,
  roots: FeedRoots,
): Promise<Current> {
  if (!bundle) return NOTHING;
  const root = await roots.newest(bundle).catch(unverified);
  const envelope = parseEnvelope(bundle.targets, "targets");
  const role = roleOf(root, "targets");
  await verifyThreshold(envelope, role, root.keys, publisherVerifier.verify, "targets").catch(unverified);
  const targets = decodeTargets(envelope.signed);
  const manifest = await verifyManifest({ targets }, buildId, bundle.manifest, publisherVerifier.digests);
  const files = { targets: bundle.targets, manifest: bundle.manifest };
  return { version: targets.version, expires: targets.expires, manifest, files, root };
}

/**
 * Reads only the version that a publication has to follow. This is for targets signed by keys that are no
 * longer trusted. The number is not verified: if it is wrong, publishing ends as a conflict.
 */
export async function currentVersion(edge: EdgeClient, buildId: BuildId): Promise<Current> {
  return unverifiedState(await currentBundle(edge, buildId));
}

/** Takes only the version from a feed.json that was read already. @throws RebootlessError `parse`. */
export function unverifiedState(bundle: Bundle | undefined): Current {
  if (!bundle) return NOTHING;
  return { ...NOTHING, version: decodeTargets(parseEnvelope(bundle.targets, "targets").signed).version };
}

/**
 * Fetches a kernel's feed.json without a token and without verifying it; returns undefined for a kernel that
 * the feed does not have.
 *
 * @throws RebootlessError `unreachable`, `refused`, `parse`.
 */
export async function currentBundle(
  edge: Pick<EdgeClient, "get">,
  buildId: BuildId,
): Promise<Bundle | undefined> {
  const answer = await edge.get(feedPath(buildId), MAX_BUNDLE_BYTES);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusedByEdge(answer, "to show what it has");
  return decodeBundle(answer.body);
}

function unverified(cause: unknown): never {
  if (!isCode(cause, "trust")) throw cause;
  throw new RebootlessError("trust", `the version in force does not verify: ${cause.message}`, {
    cause,
    hint: "If targets keys were revoked, push --replace with all updates that stay. If online keys were, give the edge the new ones.",
  });
}
