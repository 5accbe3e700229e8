import { fromHex, toHex } from "../bytes.ts";
import { digest } from "../crypto/digest.ts";
import { RebootlessError } from "../errors.ts";
import type { PublicKey, SignatureVerifier } from "./keys.ts";
import type { Envelope, Hashes, RoleKeys } from "./schema.ts";

/**
 * Counts good signatures of a role's keys and throws `trust` below its threshold. A key counts once, under
 * however many ids it is listed (specification 4.3: each unique key once).
 */
export async function verifyThreshold(
  envelope: Envelope,
  role: RoleKeys,
  keys: ReadonlyMap<string, PublicKey>,
  verify: SignatureVerifier,
  what: string,
): Promise<void> {
  const good = new Set<string>();
  for (const id of role.keyIds) {
    const key = keys.get(id);
    const signature = envelope.signatures.get(id);
    if (key === undefined || signature === undefined) continue;
    if (await isGood(key, envelope.signedBytes, signature, verify)) good.add(`${key.scheme} ${key.public}`);
    if (good.size >= role.threshold) return;
  }
  throw new RebootlessError(
    "trust",
    `${what} has ${good.size} good signatures of the ${role.threshold} it needs`,
    {
      hint: "Somebody changed this file, or it was signed with keys that this root of trust does not know.",
      details: { good: good.size, threshold: role.threshold },
    },
  );
}

async function isGood(key: PublicKey, message: Uint8Array, hex: string, verify: SignatureVerifier) {
  return /^(?:[0-9a-f]{2})+$/.test(hex) && (await verify(key, message, fromHex(hex)));
}

/** Throws `trust` unless the length (where stated) and every listed hash (where stated) are those of the bytes. */
export async function verifyFile(
  bytes: Uint8Array,
  expected: { readonly length: number | undefined; readonly hashes: Hashes | undefined },
  what: string,
): Promise<void> {
  if (expected.length !== undefined && bytes.length !== expected.length) {
    throw new RebootlessError(
      "trust",
      `${what} has ${bytes.length} bytes, ${expected.length} were signed for`,
    );
  }
  for (const [algorithm, hex] of expected.hashes ?? []) {
    if (toHex(await digest(algorithm, bytes)) !== hex) {
      throw new RebootlessError("trust", `${what} is not the file that was signed: its ${algorithm} differs`);
    }
  }
}
