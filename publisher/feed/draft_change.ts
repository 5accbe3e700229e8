import type { BuildId } from "../../shared/brand.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { DAY, type Instant, instant } from "../../shared/time.ts";
import type { KernelChange } from "./kernel_change.ts";
import { onTopOf, type ProposalOptions, type Proposed, TARGETS_LIFETIME_MS } from "./proposal.ts";
import { TargetsKeys } from "./targets_keys.ts";

/** A draft that is read only when it is processed. */
export interface DraftSource {
  readonly buildId: BuildId;
  /** The approximate size in bytes. */
  readonly size: number;
  readonly read: () => Promise<KernelManifest>;
}

/**
 * The difference in expiry up to which targets in force count as the same, so that a push continued on the
 * next day does not sign them again.
 */
const SAME_EXPIRY_MS = 7 * DAY;

/** Makes one change for each draft. Each draft is for a different kernel. */
export function draftChanges(
  drafts: readonly DraftSource[],
  { folder, clock, expires = instant(clock() + TARGETS_LIFETIME_MS) }: Omit<ProposalOptions, "edge">,
): readonly KernelChange[] {
  const keys = new TargetsKeys(folder);
  return drafts.map(({ buildId, size, read }) => ({
    buildId,
    size,
    on: async (current) => {
      const proposed = await onTopOf(current, await read(), expires);
      return { proposed, inForce: saysTheSame(proposed, expires) && (await keys.haveSigned(current)) };
    },
  }));
}

/**
 * Returns true if the manifest in force already says the same, in whatever order its updates are listed, and
 * expires no earlier than wanted, except for the tolerated difference.
 */
function saysTheSame({ current, merged }: Proposed, expires: Instant): boolean {
  const { manifest, files } = current;
  if (!manifest || !files || (current.expires ?? 0) < expires - SAME_EXPIRY_MS) return false;
  const byId = new Map(merged.updates.map((update) => [update.id, update]));
  const updates = manifest.updates.flatMap(({ id }) => byId.get(id) ?? []);
  if (updates.length !== merged.updates.length) return false;
  return equalBytes(encodeManifest({ ...merged, updates }), files.manifest);
}
