import { nodeVerifier } from "../../node/verifier.ts";
import { isCode } from "../../shared/errors.ts";
import type { Instant } from "../../shared/time.ts";
import { enforcedAt } from "../../shared/tuf/expiry.ts";
import { ownersOf } from "../../shared/tuf/key_words.ts";
import type { MetadataSource, MetadataStore } from "../../shared/tuf/refresh.ts";
import { parseEnvelope, type TopRole } from "../../shared/tuf/schema.ts";
import { staged } from "../../shared/tuf/staged_store.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { verifyThreshold } from "../../shared/tuf/verify.ts";
import { type Subject, type Verified, verifyAll } from "./poll.ts";
import { cachedSource } from "./sources.ts";

/** Who answers for one role's file. */
export interface Voucher {
  readonly role: TopRole;
  readonly version: number;
  readonly expires: Instant;
  readonly threshold: number;
  /** Ids of the keys whose signatures are good. */
  readonly signers: readonly string[];
  /** Whose keys they are, where the root says so, by key id. */
  readonly owners: ReadonlyMap<string, string>;
  /** How many keys could have signed. */
  readonly keys: number;
}

/** A kernel's manifest and everybody who answers for it: the whole chain, verified now. */
export interface Evidence extends Verified {
  readonly vouchers: readonly Voucher[];
  readonly manifestBytes: Uint8Array;
}

/** The files that the chain was built from. */
export interface ChainFiles {
  readonly source: MetadataSource;
  readonly manifest: Uint8Array;
}

/** What this host keeps of a kernel, or undefined where it keeps nothing. */
export async function cachedChain({ directory }: Subject): Promise<ChainFiles | undefined> {
  const manifest = await directory.readManifest();
  return manifest && { source: cachedSource(directory.metadata), manifest };
}

/**
 * Verifies a chain and says who signed it. Throws `trust`, `expired`, `rollback`, `parse`.
 *
 * @param known what was verified before and must not be gone back behind.
 */
export async function evidenceOf(
  subject: Subject,
  chain: ChainFiles,
  known: MetadataStore,
  now: Instant,
): Promise<Evidence> {
  const store = staged(known); // nothing is written: to verify a thing is not to take it in
  const verified = await verifyAll(subject, enforcedAt(now), chain.source, store, chain.manifest);
  const roles: readonly TopRole[] = ["root", "targets", "snapshot", "timestamp"];
  const vouchers = await Promise.all(
    roles.map(async (role) => {
      const bytes = (await store.read(role)) ?? subject.provisionedRoot;
      return voucher(role, bytes, verified);
    }),
  );
  return { ...verified, vouchers, manifestBytes: chain.manifest };
}

async function voucher(role: TopRole, bytes: Uint8Array, { trusted }: Verified): Promise<Voucher> {
  const { keyIds, threshold } = roleOf(trusted.root, role);
  const document = trusted[role] ?? trusted.root;
  const signers: string[] = [];
  for (const id of keyIds) if (await signedBy(id, role, bytes, trusted)) signers.push(id);
  return {
    role,
    version: document.version,
    expires: document.expires,
    threshold,
    signers,
    owners: ownersOf(signers, trusted.root.keys),
    keys: keyIds.length,
  };
}

async function signedBy(
  id: string,
  role: TopRole,
  bytes: Uint8Array,
  trusted: Verified["trusted"],
): Promise<boolean> {
  const alone = { keyIds: [id], threshold: 1 };
  try {
    await verifyThreshold(parseEnvelope(bytes, role), alone, trusted.root.keys, nodeVerifier.verify, role);
    return true;
  } catch (error) {
    if (isCode(error, "trust")) return false;
    throw error;
  }
}
