import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { DAY, type Instant } from "../../shared/time.ts";
import { type Common, decodeTargets, parseEnvelope, type Root } from "../../shared/tuf/schema.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";
import { isMet, quorum } from "./signatures.ts";

/** Signed metadata that expires unless someone with the right keys signs it again. */
export interface KeyExpiry {
  readonly what: string;
  readonly version: number;
  readonly expires: Instant;
  /** True if hosts refuse it whatever its expiry, because keys that signed it are no longer trusted. */
  readonly lapsed: boolean;
}

/** Returns the whole days left until the expiry; the number is negative after it. */
export const daysLeft = ({ expires }: KeyExpiry, now: Instant): number => Math.floor((expires - now) / DAY);

/**
 * Returns when a kernel's targets in the feed expire, and whether the root in force still accepts their
 * signatures. Snapshot and timestamp do not matter here, because the edge renews them by itself.
 *
 * @throws RebootlessError `not_covered`.
 */
export async function targetsExpiry(
  edge: Pick<EdgeClient, "get">,
  root: Root,
  id: BuildId,
): Promise<KeyExpiry> {
  const answer = await edge.get(feedPath(id), MAX_BUNDLE_BYTES);
  if (answer.status === 404) {
    throw new RebootlessError("not_covered", `the feed has nothing for kernel ${id}`);
  }
  if (answer.status !== 200) throw refusedByEdge(answer, "to show what it has");
  const { targets } = decodeBundle(answer.body);
  const envelope = parseEnvelope(targets, "targets");
  const expiry = expiryOf(`targets of ${id}`, decodeTargets(envelope.signed));
  return { ...expiry, lapsed: !isMet(await quorum("targets", envelope, root, "targets")) };
}

export const expiryOf = (what: string, { version, expires }: Common): KeyExpiry => ({
  what,
  version,
  expires,
  lapsed: false,
});
