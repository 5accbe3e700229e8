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

/** Targets are signed again at each publish; a kernel that has none for this long is one that nobody tends. */
export const TARGETS_LIFETIME_MS = 180 * DAY;

export interface ProposalOptions {
  readonly edge: EdgeClient;
  readonly folder: PublisherFolder;
  readonly clock: Clock;
  /** When targets expire; the customary life when nothing is said. */
  readonly expires?: Instant | undefined;
  /** Keeps nothing of what is in force. */
  readonly replace?: boolean;
}

/** What is to be signed and published, and what it builds on. */
export interface Proposed {
  readonly current: Current;
  readonly merged: KernelManifest;
  readonly manifest: Uint8Array;
  readonly document: JsonObject;
}

/** Puts a draft on top of what is in force, ready to be signed. */
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

/** @param manifest the bytes of `merged`. */
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

/** The file of a document that nobody has signed yet. */
export const unsigned = (document: JsonObject): Uint8Array => envelope(document, []);

/**
 * An update of the draft takes the place of one with its id; what a draft does not say of the kernel stays as it was, and so does a
 * distribution that somebody wrote once, where the draft has no more than what the kernel's banner says.
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

/** Mirrors and publishers' scopes choose by it: it must not change because nobody said it this time. */
function distributionInForce(current: KernelManifest | undefined, { kernel }: KernelManifest) {
  const distribution = current?.kernel.distribution;
  const read = kernel.distribution === distributionOf(kernel.banner);
  return distribution !== undefined && read ? { distribution } : {};
}
