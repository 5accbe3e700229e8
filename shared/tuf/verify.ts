import { fromHex } from "../bytes.ts";
import { counted } from "../counted.ts";
import type { Digests } from "../crypto/digests.ts";
import { RebootlessError } from "../errors.ts";
import { keyIdentity, type PublicKey, type SignatureVerifier } from "./keys.ts";
import type { Envelope, Hashes, RoleKeys } from "./schema.ts";

/**
 * Requires as many good signatures of a role's keys as its threshold says (specification 5.3.4, 5.4.2, 5.5.3, 5.6.3: each
 * key contributes one signature). A key counts once, under however many ids it is listed and however its text is wrapped.
 *
 * Off-spec: the specification (4.3) has clients calculate each key id again, so that no two keys share one. Here ids are
 * names (TAP 12): well-kept repositories (tuf-on-ci, Sigstore) put members into keys after the id was made, two keys
 * cannot share a name in one document, and what counts is the key, not its id.
 *
 * @throws RebootlessError `trust` below the threshold.
 */
export async function verifyThreshold(
  envelope: Envelope,
  role: RoleKeys,
  keys: ReadonlyMap<string, PublicKey>,
  verify: SignatureVerifier,
  what: string,
): Promise<void> {
  let good = 0;
  for await (const _ of goodSignatures(envelope, role, keys, verify)) if (++good >= role.threshold) return;
  throw new RebootlessError(
    "trust",
    `${what} has ${good} good signatures of the ${role.threshold} it needs`,
    {
      hint: "Somebody changed this file, or it was signed with keys that this root of trust does not know.",
      details: { good, threshold: role.threshold },
    },
  );
}

/** Yields the id of each key of a role whose signature is good, verified one by one; a key under two ids comes once. */
export async function* goodSignatures(
  envelope: Envelope,
  role: RoleKeys,
  keys: ReadonlyMap<string, PublicKey>,
  verify: SignatureVerifier,
): AsyncGenerator<string> {
  const good = new Set<string>();
  for (const id of role.keyIds) {
    const key = keys.get(id);
    const signature = envelope.signatures.get(id);
    if (key === undefined || signature === undefined) continue;
    const identity = keyIdentity(key) ?? id;
    if (good.has(identity) || !(await isGood(key, envelope.signedBytes, signature, verify))) continue;
    good.add(identity);
    yield id;
  }
}

async function isGood(key: PublicKey, message: Uint8Array, hex: string, verify: SignatureVerifier) {
  return /^(?:[0-9a-f]{2})+$/.test(hex) && (await verify(key, message, fromHex(hex)));
}

/** The length and hashes that were signed for a file; one that is not stated is not checked. */
export interface Expected {
  readonly length: number | undefined;
  readonly hashes: Hashes | undefined;
}

/** Requires that the bytes have the length and every hash that is stated. @throws RebootlessError `trust` otherwise. */
export async function verifyFile(
  bytes: Uint8Array,
  expected: Expected,
  what: string,
  digests: Digests,
): Promise<void> {
  const problem = await difference(bytes, expected, digests);
  if (problem !== undefined) throw new RebootlessError("trust", `${what} ${problem}`);
}

/** Tells whether bytes are the file, for those of a cache, which may well be others. */
export async function isFile(bytes: Uint8Array, expected: Expected, digests: Digests): Promise<boolean> {
  return (await difference(bytes, expected, digests)) === undefined;
}

async function difference(
  bytes: Uint8Array,
  { length, hashes }: Expected,
  digests: Digests,
): Promise<string | undefined> {
  if (length !== undefined && bytes.length !== length) {
    return `has ${counted(bytes.length, "byte")}, ${length} were signed for`;
  }
  for (const [algorithm, hex] of hashes ?? []) {
    if ((await digests[algorithm](bytes)) !== hex) {
      return `is not the file that was signed: its ${algorithm} differs`;
    }
  }
  return undefined;
}
