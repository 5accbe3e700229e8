import { distributionOf } from "../../shared/feed/distribution.ts";
import { encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { JsonObject } from "../../shared/json.ts";
import { type Clock, DAY, type Instant, instant } from "../../shared/time.ts";
import { envelope } from "../../shared/tuf/metadata.ts";
import { type Current, currentManifest, currentVersion } from "./current.ts";
import type { EdgeClient } from "./edge_client.ts";
import type { PublisherFolder } from "./publisher_folder.ts";
import { targetsFile } from "./targets_file.ts";

/**
 * The lifetime of targets. They are signed again at each publish, so a kernel without a publish for this long
 * is not maintained.
 */
export const TARGETS_LIFETIME_MS = 180 * DAY;

export interface ProposalOptions {
  readonly edge: EdgeClient;
  readonly folder: PublisherFolder;
  readonly clock: Clock;
  /** The expiry of targets; the usual lifetime applies if it is undefined. */
  readonly expires?: Instant | undefined;
  /** True to keep nothing of what is in force. */
  readonly replace?: boolean;
}

/** The targets and manifest to sign and publish, and the state that they build on. */
export interface Proposed {
  readonly current: Current;
  readonly merged: KernelManifest;
  readonly manifest: Uint8Array;
  readonly document: JsonObject;
}

/** Merges a draft with the state in force, ready to be signed. */
export async function propose(
  draft: KernelManifest,
  { edge, folder, clock, expires, replace }: ProposalOptions,
): Promise<Proposed> {
  const { buildId } = draft.kernel;
  const current = replace
    ? await currentVersion(edge, buildId)
    : await currentManifest(edge, folder, buildId);
  return onTopOf(current, draft, expires ?? instant(clock() + TARGETS_LIFETIME_MS));
}

export async function onTopOf(current: Current, draft: KernelManifest, expires: Instant): Promise<Proposed> {
  const merged = merge(current.manifest, draft);
  return proposalOf(current, merged, encodeManifest(merged), expires);
}

/** Makes the targets document for a merged manifest. @param manifest the bytes of `merged`. */
export async function proposalOf(
  current: Current,
  merged: KernelManifest,
  manifest: Uint8Array,
  expires: Instant,
): Promise<Proposed> {
  const { buildId } = merged.kernel;
  const document = await targetsFile({ buildId, version: current.version + 1, expires, manifest });
  return { current, merged, manifest, document };
}

/** Writes the file of a document that has no signatures yet. */
export const unsigned = (document: JsonObject): Uint8Array => envelope(document, []);

/**
 * Merges a draft into the manifest in force. An update of the draft replaces the one with the same id, and
 * facts of the kernel that the draft does not state stay. A distribution that someone wrote by hand also
 * stays if the draft has only the one read from the kernel's banner.
 */
export function merge(current: KernelManifest | undefined, draft: KernelManifest): KernelManifest {
  const ids = new Set(draft.updates.map((update) => update.id));
  const kept: readonly Update[] = current?.updates.filter((update) => !ids.has(update.id)) ?? [];
  return {
    ...draft,
    kernel: { ...current?.kernel, ...draft.kernel, ...distributionInForce(current, draft) },
    ...(current?.fingerprints && { fingerprints: current.fingerprints }),
    ...(draft.fingerprints && { fingerprints: draft.fingerprints }),
    updates: [...kept, ...draft.updates],
  };
}

/**
 * Returns the distribution to keep. Mirrors and publishers' scopes select by it, so it must not change
 * because a draft did not state it.
 */
function distributionInForce(current: KernelManifest | undefined, { kernel }: KernelManifest) {
  const distribution = current?.kernel.distribution;
  const read = kernel.distribution === distributionOf(kernel.banner);
  return distribution !== undefined && read ? { distribution } : {};
}
