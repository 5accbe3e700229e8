import crypto, { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Sha256Hex } from "../shared/brand.ts";
import type { Cryptography } from "../shared/crypto/cryptography.ts";
import type { Digests } from "../shared/crypto/digests.ts";
import { strictEd25519 } from "../shared/crypto/ed25519.ts";
import { RebootlessError } from "../shared/errors.ts";

/*
 * Digests and Ed25519 come from Node's OpenSSL and run in the calling thread. Node's WebCrypto hands each of them to
 * the threads that write files, which takes ten times as long for a kilobyte.
 */

const openSslDigest: (algorithm: keyof Digests, bytes: Uint8Array) => string =
  typeof crypto.hash === "function"
    ? // Since Node 20.12. For small inputs, this is four times as fast: a kernel has 100,000 functions.
      (algorithm, bytes) => crypto.hash(algorithm, bytes, "hex")
    : (algorithm, bytes) => createHash(algorithm).update(bytes).digest("hex");

/**
 * Returns a digest in hexadecimal.
 *
 * @throws RebootlessError `unsupported` if OpenSSL does not have the algorithm.
 */
function hexDigest(algorithm: keyof Digests, bytes: Uint8Array): string {
  try {
    return openSslDigest(algorithm, bytes);
  } catch (cause) {
    throw new RebootlessError("unsupported", `the OpenSSL of this Node does not compute ${algorithm}`, {
      cause,
      hint: "Nothing can be verified without it. Look at the OpenSSL configuration of this Node: OPENSSL_CONF, NODE_OPTIONS.",
    });
  }
}

export const sha256Of = (bytes: Uint8Array): Sha256Hex => hexDigest("sha256", bytes) as Sha256Hex;

/** Returns the digest of a file, whatever its size. */
export async function sha256OfFile(path: string): Promise<Sha256Hex> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") as Sha256Hex;
}

export const digests: Digests = { sha256: sha256Of, sha512: (bytes) => hexDigest("sha512", bytes) };

/**
 * Verifies a signature by the strict rule. OpenSSL opens a public key seven times faster from a JWK (RFC 8037) than
 * from DER.
 */
const ed25519 = strictEd25519((publicKey, message, signature) => {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, message, key, signature);
});

/** A secret Ed25519 key that is ready to sign. */
export interface Ed25519Secret {
  /** The public key, which has 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Returns the 64 bytes of the signature, which depend on nothing but key and message (RFC 8032 section 5.1.6). */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** The bytes before the 32 bytes of an Ed25519 key in its DER forms (RFC 8410 section 7 and section 4). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Opens a secret key.
 *
 * @param seed the 32 secret bytes.
 * @throws Error for any other length.
 */
export function ed25519Secret(seed: Uint8Array): Ed25519Secret {
  // OpenSSL reads 32 bytes and ignores what follows them.
  if (seed.length !== 32) throw new Error("an Ed25519 seed has 32 bytes");
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

export const openSsl: Cryptography = {
  digests,
  ed25519,
  ed25519Signer: ({ d }) => ed25519Secret(Buffer.from(d, "base64url")).sign,
};
