import type { BuildId } from "../../shared/brand.ts";
import { ed25519 } from "../../shared/crypto/ed25519_tweetnacl.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { bundleSource } from "../../shared/feed/bundle_source.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath, metadataPath } from "../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import type { Clock } from "../../shared/time.ts";
import { signatureVerifier } from "../../shared/tuf/keys.ts";
import { refresh } from "../../shared/tuf/refresh.ts";
import { emptyStore } from "../../shared/tuf/staged_store.ts";
import { type EdgeClient, refusal } from "./edge_client.ts";
import { newestRoot, type Workspace } from "./workspace.ts";

/** What the feed says of a kernel now: the version of targets and the manifest, or version 0 and nothing. */
export interface Current {
  readonly version: number;
  readonly manifest: KernelManifest | undefined;
}

/** Reads it as a host would, verified: a publisher signs only on top of what its own keys signed. */
export async function currentManifest(
  edge: EdgeClient,
  workspace: Workspace,
  buildId: BuildId,
  clock: Clock,
): Promise<Current> {
  const answer = await edge.get(feedPath(buildId), MAX_BUNDLE_BYTES);
  if (answer.status === 404) return { version: 0, manifest: undefined };
  if (answer.status !== 200) throw refusal(answer, "to show what it has");
  const bundle = decodeBundle(answer.body);
  const trusted = await refresh({
    source: bundleSource(bundle, (version) => fetchRoot(edge, buildId, version)),
    store: emptyStore,
    provisionedRoot: await newestRoot(workspace),
    now: clock(),
    verify: signatureVerifier({ ed25519 }),
  });
  const manifest = await verifyManifest(trusted, buildId, bundle.manifest);
  return { version: trusted.targets?.version ?? 0, manifest };
}

async function fetchRoot(edge: EdgeClient, buildId: BuildId, version: number) {
  const answer = await edge.get(`${metadataPath(buildId)}/${version}.root.json`, MAX_ROOT_BYTES);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusal(answer, `root version ${version}`);
  return answer.body;
}
