import { publisherVerifier } from "../../node/verifier.ts";
import { fromHex } from "../../shared/bytes.ts";
import { keyIdentity, type PublicKey } from "../../shared/tuf/keys.ts";
import type { Keys } from "../../shared/tuf/role_keys.ts";
import type { Envelope, Root, TopRole } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";

/** A threshold that a file has to meet with the keys of one role in one version of the root. */
export interface SigningQuorum {
  /** The role and root that the signatures are for, in words for people. */
  readonly of: string;
  readonly threshold: number;
  readonly signed: readonly string[];
  readonly missing: readonly string[];
  /** The keys of that root, which say who their owners are. */
  readonly keys: Keys;
}

export const isMet = ({ signed, threshold }: SigningQuorum): boolean => signed.length >= threshold;

/**
 * Lists which keys of a role have made valid signatures and which have not. Each key counts once, under
 * however many ids it is listed.
 */
export async function quorum(
  of: string,
  envelope: Envelope,
  root: Root,
  role: TopRole,
): Promise<SigningQuorum> {
  const { keyIds, threshold } = roleOf(root, role);
  const seen = new Set<string>();
  const signed: string[] = [];
  const missing: string[] = [];
  for (const id of keyIds) {
    const key = root.keys.get(id);
    const identity = (key && keyIdentity(key)) ?? id;
    if (seen.has(identity)) continue;
    const good = key !== undefined && (await hasSigned(envelope, id, key));
    if (good) seen.add(identity);
    (good ? signed : missing).push(id);
  }
  return { of, threshold, signed, missing, keys: root.keys };
}

async function hasSigned(envelope: Envelope, id: string, key: PublicKey): Promise<boolean> {
  const hex = envelope.signatures.get(id);
  if (hex === undefined || !/^(?:[0-9a-f]{2})+$/.test(hex)) return false;
  return publisherVerifier.verify(key, envelope.signedBytes, fromHex(hex));
}
