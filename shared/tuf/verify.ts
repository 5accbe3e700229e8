import { fromHex } from "../bytes.ts";
import { counted } from "../counted.ts";
import type { Digests } from "../crypto/digests.ts";
import { RebootlessError } from "../errors.ts";
import { keyIdentity, type PublicKey, type SignatureVerifier } from "./keys.ts";
import type { Envelope, Hashes, RoleKeys } from "./schema.ts";

/**
 * Counts good signatures of a role's keys and throws `trust` below its threshold (specification 5.3.4, 5.4.2,
 * 5.5.3, 5.6.3: each key contributes one signature). A key counts once, under however many ids it is listed
 * and however its text is wrapped.
 *
 * Off-spec: the specification (4.3) has clients calculate each key id anew, so that no two keys share one. Ids
 * are taken as names here (TAP 12): well-kept repositories (tuf-on-ci, Sigstore) put fields into keys after the
 * id was made, two keys cannot share a name in one document, and what counts is the key, not its id.
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

/** The id of each key of a role whose signature is good, found as they are asked for; a key under two ids comes once. */
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

/** What is signed of a file's bytes; a hash or a length that is not stated is not judged. */
export interface Expected {
  readonly length: number | undefined;
  readonly hashes: Hashes | undefined;
}

/** Throws `trust` unless the length (where stated) and every listed hash (where stated) are those of the bytes. */
export async function verifyFile(
  bytes: Uint8Array,
  expected: Expected,
  what: string,
  digests: Digests,
): Promise<void> {
  const problem = await difference(bytes, expected, digests);
  if (problem !== undefined) throw new RebootlessError("trust", `${what} ${problem}`);
}

/** `verifyFile` for bytes that may well be others: those of a cache. */
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
