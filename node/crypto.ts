import crypto, { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { Sha256Hex } from "../shared/brand.ts";
import type { DigestBackEnd } from "../shared/crypto/digest.ts";
import { strictEd25519 } from "../shared/crypto/ed25519.ts";

/*
 * Digests and Ed25519 by the OpenSSL of Node, in the calling thread: WebCrypto on Node hands each of them to the threads
 * that write files, which takes ten times as long for a kilobyte.
 */

const sha256Text: (bytes: Uint8Array) => string =
  typeof crypto.hash === "function"
    ? // Since Node 20.12. It is four times as fast for small inputs: a kernel has 100,000 functions.
      (bytes) => crypto.hash("sha256", bytes, "hex")
    : (bytes) => createHash("sha256").update(bytes).digest("hex");

export const sha256 = (bytes: Uint8Array): Sha256Hex => sha256Text(bytes) as Sha256Hex;

export const digest: DigestBackEnd = (algorithm, bytes) => createHash(algorithm).update(bytes).digest();

/** Verifies, by the same strict rule as every implementation. As a JWK (RFC 8037) a key is opened seven times faster than from DER. */
export const ed25519 = strictEd25519((publicKey, message, signature) => {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, message, key, signature);
});

/** A secret Ed25519 key, opened. */
export interface Ed25519Secret {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Returns the signature's 64 bytes, which are a function of key and message (RFC 8032 section 5.1.6). */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** What stands before the 32 bytes of an Ed25519 key in its DER forms (RFC 8410 section 7 and section 4). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

/** @param seed 32 bytes of secret. Throws for any other length. */
export function ed25519Secret(seed: Uint8Array): Ed25519Secret {
  // OpenSSL reads 32 bytes and passes over what follows them.
  if (seed.length !== 32) throw new Error("an Ed25519 seed has 32 bytes");
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}
