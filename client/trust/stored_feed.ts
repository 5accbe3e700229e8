import { isCode, RebootlessError } from "../../shared/errors.ts";
import { type OfferedFeed, type VerifiedFeed, verifyFeed } from "../../shared/feed/verified_feed.ts";
import { type Expiry, IGNORE_EXPIRY_UNSAFE } from "../../shared/tuf/expiry.ts";
import type { MetadataStore } from "../../shared/tuf/metadata_io.ts";
import type { TopRole } from "../../shared/tuf/role_name.ts";
import { staged } from "../../shared/tuf/staged_store.ts";
import type { Subject } from "./subject.ts";

/**
 * Returns what this host has stored of a kernel's feed, so that it can be verified again, or undefined if it
 * has stored nothing.
 *
 * @param metadata reads the stored metadata.
 */
export async function storedFeed(
  { buildId, directory }: Subject,
  metadata: MetadataStore = directory.metadata,
): Promise<OfferedFeed | undefined> {
  const manifest = await directory.readManifest();
  return manifest && { buildId, source: storedSource(metadata), manifest };
}

function storedSource(store: MetadataStore): OfferedFeed["source"] {
  const stored = async (role: TopRole) => {
    const bytes = await store.read(role);
    if (bytes) return bytes;
    throw new RebootlessError("trust", `no ${role} is cached`, { hint: "Run `rebootless check`." });
  };
  return {
    root: async () => undefined,
    timestamp: () => stored("timestamp"),
    snapshot: () => stored("snapshot"),
    targets: () => stored("targets"),
  };
}

const DAMAGE = ["trust", "parse", "rollback"] as const;

/**
 * Verifies the stored feed. Returns undefined if it is damaged or missing.
 * @throws RebootlessError `expired`.
 */
export async function verifyStored(subject: Subject, expiry: Expiry): Promise<VerifiedFeed | undefined> {
  const { directory, provisionedRoot, verifiers } = subject;
  // The files that are offered and those that nothing may fall behind are the same, and are read once.
  const store = staged(directory.metadata);
  const offered = await storedFeed(subject, store);
  if (!offered) return undefined;
  try {
    return await verifyFeed(offered, { store, provisionedRoot, verifier: verifiers.first, expiry });
  } catch (error) {
    if (DAMAGE.some((code) => isCode(error, code))) return undefined;
    throw error;
  }
}

/**
 * Returns the feed that was verified last, whether or not it has expired since: looking at what is applied, undoing it and
 * putting it back after a reboot must not depend on a fresh feed.
 */
export const lastVerified = (subject: Subject): Promise<VerifiedFeed | undefined> =>
  verifyStored(subject, IGNORE_EXPIRY_UNSAFE);
