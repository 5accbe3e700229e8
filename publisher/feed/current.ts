import type { BuildId } from "../../shared/brand.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { bundleSource } from "../../shared/feed/bundle_source.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { type Instant, instant } from "../../shared/time.ts";
import type { SignatureVerifier } from "../../shared/tuf/keys.ts";
import { refresh } from "../../shared/tuf/refresh.ts";
import { decodeTargets, parseEnvelope, type Root } from "../../shared/tuf/schema.ts";
import { emptyStore } from "../../shared/tuf/staged_store.ts";
import { verifySignature } from "../keys/verifier.ts";
import { type EdgeClient, refusal } from "./edge_client.ts";
import { fetchRoot } from "./root_chain.ts";
import { newestRoot, type Workspace } from "./workspace.ts";

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

/** Publishing is how a feed that has expired comes back; a stale answer ends as a conflict over its version. */
const EXPIRY_IS_NO_MATTER = instant(0);

/** Reads it as a host would, verified: a publisher signs only on top of what its own keys signed. */
export async function currentManifest(
  edge: EdgeClient,
  workspace: Pick<Workspace, "dir">,
  buildId: BuildId,
): Promise<Current> {
  return verifiedState(await currentBundle(edge, buildId), buildId, edge, await newestRoot(workspace));
}

/**
 * The same of a feed.json that was read already. Throws `trust`, `parse`.
 *
 * @param held the newest root of the publisher's own.
 * @param verify one for several kernels, which are under the same root.
 */
export async function verifiedState(
  bundle: Bundle | undefined,
  buildId: BuildId,
  edge: Pick<EdgeClient, "get">,
  held: Uint8Array,
  verify: SignatureVerifier = verifySignature,
): Promise<Current> {
  if (!bundle) return NOTHING;
  const trusted = await refresh({
    source: bundleSource(bundle, (version) => fetchRoot(edge, version)),
    store: emptyStore,
    provisionedRoot: held,
    now: EXPIRY_IS_NO_MATTER,
    verify,
  }).catch(unverified);
  const manifest = await verifyManifest(trusted, buildId, bundle.manifest);
  const { targets } = bundle;
  const files = { targets, manifest: bundle.manifest };
  const { version = 0, expires } = trusted.targets ?? {};
  return { version, expires, manifest, files, root: trusted.root };
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

async function currentBundle(edge: EdgeClient, buildId: BuildId): Promise<Bundle | undefined> {
  const answer = await edge.get(feedPath(buildId), MAX_BUNDLE_BYTES);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusal(answer, "to show what it has");
  return decodeBundle(answer.body);
}

function unverified(cause: unknown): never {
  if (!isCode(cause, "trust")) throw cause;
  throw new RebootlessError("trust", `what is in force does not verify: ${cause.message}`, {
    cause,
    hint: "If targets keys were revoked: push --replace, with all updates that stay. If online keys were: hand the edge the new ones.",
  });
}
