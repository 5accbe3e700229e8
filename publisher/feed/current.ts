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

/** What the feed says of a kernel now: the version of targets and the manifest, or version 0 and nothing. */
export interface Current {
  readonly version: number;
  /** Of targets; undefined with the manifest. */
  readonly expires: Instant | undefined;
  readonly manifest: KernelManifest | undefined;
  /** As received; undefined with the manifest. */
  readonly files: { readonly targets: Uint8Array; readonly manifest: Uint8Array } | undefined;
  /** The root it was verified by, where there was something to verify. */
  readonly root: Root | undefined;
}

const NOTHING: Current = {
  version: 0,
  expires: undefined,
  manifest: undefined,
  files: undefined,
  root: undefined,
};

/** Reads it, verified: a publisher signs only on top of what targets keys signed. */
export async function currentManifest(
  edge: EdgeClient,
  folder: Pick<PublisherFolder, "dir">,
  buildId: BuildId,
): Promise<Current> {
  const roots = new FeedRoots(edge, await newestOwnRoot(folder));
  return verifiedState(await currentBundle(edge, buildId), buildId, roots);
}

/**
 * The same of a feed.json that was read already. Throws `trust`, `parse`. By the root and the signatures of targets alone: what the
 * edge signs beside them says how new they are, and publishing is how a feed that has expired comes back. What is not the newest
 * ends as a conflict over its version.
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
 * The version that a publication has to follow, and nothing of what that version says: for targets that were
 * signed by keys which are good no more. The number is believed: a wrong one ends as a conflict.
 */
export async function currentVersion(edge: EdgeClient, buildId: BuildId): Promise<Current> {
  return unverifiedState(await currentBundle(edge, buildId));
}

/** The same of a feed.json that was read already. Throws `parse`. */
export function unverifiedState(bundle: Bundle | undefined): Current {
  if (!bundle) return NOTHING;
  return { ...NOTHING, version: decodeTargets(parseEnvelope(bundle.targets, "targets").signed).version };
}

/** As anybody may read it, unverified; undefined for a kernel that the feed does not have. Throws `unreachable`, `refused`, `parse`. */
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
  throw new RebootlessError("trust", `what is in force does not verify: ${cause.message}`, {
    cause,
    hint: "If targets keys were revoked: push --replace, with all updates that stay. If online keys were: hand the edge the new ones.",
  });
}
