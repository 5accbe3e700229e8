import type { BuildId } from "../../shared/brand.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { DAY, type Instant, instant } from "../../shared/time.ts";
import type { KernelChange } from "./kernel_change.ts";
import { onTopOf, type ProposalOptions, type Proposed, TARGETS_LIFETIME_MS } from "./proposal.ts";
import { TargetsKeys } from "./targets_keys.ts";

/** A draft that is read when its turn comes. */
export interface DraftSource {
  readonly buildId: BuildId;
  /** Bytes, about. */
  readonly size: number;
  readonly read: () => Promise<KernelManifest>;
}

/** Targets that end so much earlier than asked for are as good: a push that goes on the next day. */
const SAME_EXPIRY_MS = 7 * DAY;

/** What drafts come to, one for each kernel. */
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

/** Whether what is in force says the same already, wherever in the list its updates stand, and lasts as long. */
function saysTheSame({ current, merged }: Proposed, expires: Instant): boolean {
  const { manifest, files } = current;
  if (!manifest || !files || (current.expires ?? 0) < expires - SAME_EXPIRY_MS) return false;
  const byId = new Map(merged.updates.map((update) => [update.id, update]));
  const updates = manifest.updates.flatMap(({ id }) => byId.get(id) ?? []);
  if (updates.length !== merged.updates.length) return false;
  return equalBytes(encodeManifest({ ...merged, updates }), files.manifest);
}
