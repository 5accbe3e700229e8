import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { toHex } from "../shared/bytes.ts";
import { strictEd25519 } from "../shared/crypto/ed25519.ts";

/*
 * For publishers, who sign for thousands of kernels at once: the OpenSSL of Node signs in 0.05 ms what takes tweetnacl 2 ms.
 * Ed25519 signatures are a function of key and message (RFC 8032, 5.1.6), so no host can tell the difference.
 */

/** What stands before the 32 bytes of a key in its DER forms (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

/** Opening a key takes as long as verifying with it. */
const MAX_PUBLIC_KEYS = 64;
const publicKeys = new Map<string, KeyObject>();
/** For as long as somebody holds the seed. */
const privateKeys = new WeakMap<Uint8Array, KeyObject>();

/** @param seed 32 bytes of secret. Returns the signature's 64 bytes. */
export const ed25519Sign = (seed: Uint8Array, message: Uint8Array): Uint8Array =>
  new Uint8Array(sign(null, message, privateKey(seed)));

/** @param seed 32 bytes of secret. Returns the public key's 32 bytes. */
export const ed25519Public = (seed: Uint8Array): Uint8Array =>
  new Uint8Array(
    createPublicKey(privateKey(seed)).export({ format: "der", type: "spki" }).subarray(SPKI.length),
  );

/** Verifies, by the same strict rule as everywhere. */
export const ed25519 = strictEd25519((key, message, signature) =>
  verify(null, message, publicKey(key), signature),
);

function privateKey(seed: Uint8Array): KeyObject {
  const known = privateKeys.get(seed);
  if (known) return known;
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  privateKeys.set(seed, key);
  return key;
}

function publicKey(bytes: Uint8Array): KeyObject {
  const name = toHex(bytes);
  const known = publicKeys.get(name);
  if (known) return known;
  const key = createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: "der", type: "spki" });
  if (publicKeys.size >= MAX_PUBLIC_KEYS) publicKeys.clear();
  publicKeys.set(name, key);
  return key;
}
