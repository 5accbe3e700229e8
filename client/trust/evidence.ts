import { type OfferedFeed, type VerifiedFeed, verifyFeed } from "../../shared/feed/verified_feed.ts";
import type { Instant } from "../../shared/time.ts";
import { enforcedAt } from "../../shared/tuf/expiry.ts";
import { ownersOf } from "../../shared/tuf/key_words.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import { parseEnvelope, type TopRole } from "../../shared/tuf/schema.ts";
import { staged } from "../../shared/tuf/staged_store.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import type { Verifier } from "../../shared/tuf/verifier.ts";
import { goodSignatures } from "../../shared/tuf/verify.ts";
import type { Subject } from "./subject.ts";

/** The keys that signed one role's file. */
export interface Voucher {
  readonly role: TopRole;
  readonly version: number;
  readonly expires: Instant;
  readonly threshold: number;
  /** The ids of the keys whose signatures are good. */
  readonly signers: readonly string[];
  /** The owners of keys, by key id, if the root names them. */
  readonly owners: ReadonlyMap<string, string>;
  /** The number of keys that could have signed. */
  readonly keys: number;
}

/** A kernel's feed that verified just now, and who signed each of its files. */
export interface Evidence extends VerifiedFeed {
  readonly vouchers: readonly Voucher[];
}

/**
 * Verifies a feed and says who signed it. Nothing of it is stored.
 *
 * @param known the metadata that was verified before, which the feed must not fall behind.
 * @throws RebootlessError `trust`, `expired`, `rollback`, `parse`.
 */
export async function evidenceOf(
  { provisionedRoot, verifiers }: Subject,
  feed: OfferedFeed,
  known: MetadataStore,
  now: Instant,
): Promise<Evidence> {
  const verifier = verifiers.first;
  const options = { store: staged(known), provisionedRoot, verifier, expiry: enforcedAt(now) };
  const verified = await verifyFeed(feed, options);
  const roles: readonly TopRole[] = ["root", "targets", "snapshot", "timestamp"];
  const vouchers = await Promise.all(roles.map((role) => voucher(role, verified, verifier)));
  return { ...verified, vouchers };
}

async function voucher(
  role: TopRole,
  { trusted, files }: VerifiedFeed,
  { verify }: Verifier,
): Promise<Voucher> {
  const { keyIds, threshold } = roleOf(trusted.root, role);
  const document = trusted[role];
  const envelope = parseEnvelope(files[role], role);
  const signers: string[] = [];
  for (const id of keyIds) {
    const alone = { keyIds: [id], threshold: 1 };
    for await (const good of goodSignatures(envelope, alone, trusted.root.keys, verify)) signers.push(good);
  }
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
