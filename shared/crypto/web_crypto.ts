import type { Sha256Hex } from "../brand.ts";
import { toHex } from "../bytes.ts";
import type { Cryptography, SecretJwk, Signer } from "./cryptography.ts";
import type { Digests } from "./digests.ts";
import { type Ed25519Verify, strictEd25519 } from "./ed25519.ts";

/** Digests by WebCrypto, which workerd, browsers and Node have. */
export const webDigests: Digests = {
  sha256: async (bytes) => toHex(await digest("SHA-256", bytes)) as Sha256Hex,
  sha512: async (bytes) => toHex(await digest("SHA-512", bytes)),
};

async function digest(algorithm: "SHA-256" | "SHA-512", bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes as Uint8Array<ArrayBuffer>));
}

/** Makes a Cryptography by WebCrypto. It keeps the public keys that it opened. */
export const webCrypto = (): Cryptography => ({
  digests: webDigests,
  ed25519: webEd25519(),
  ed25519Signer: signer,
});

/** A root of trust names some ten keys. */
const MAX_OPENED = 64;

type OpenKey = (message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

/** Opening a key takes as long as verifying with it, and the same few keys sign everything. */
function webEd25519(): Ed25519Verify {
  const opened = new Map<string, Promise<OpenKey>>();
  const open = (publicKey: Uint8Array): Promise<OpenKey> => {
    const name = toHex(publicKey);
    const known = opened.get(name);
    if (known) return known;
    const key = openKey(publicKey);
    if (opened.size >= MAX_OPENED) opened.clear();
    opened.set(name, key);
    return key;
  };
  return strictEd25519(async (publicKey, message, signature) => (await open(publicKey))(message, signature));
}

async function openKey(publicKey: Uint8Array): Promise<OpenKey> {
  const raw = publicKey as Uint8Array<ArrayBuffer>;
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  return (message, signature) =>
    crypto.subtle.verify(
      "Ed25519",
      key,
      signature as Uint8Array<ArrayBuffer>,
      message as Uint8Array<ArrayBuffer>,
    );
}

async function signer({ x, d }: SecretJwk): Promise<Signer> {
  const jwk = { kty: "OKP", crv: "Ed25519", x, d };
  const key = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
  return async (message) =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", key, message as Uint8Array<ArrayBuffer>));
}
