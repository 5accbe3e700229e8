import { fromHex, toHex } from "../bytes.ts";
import { digest } from "../crypto/digest.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { canonicalJson } from "./canonical_json.ts";

/** A public key as metadata lists it (specification 4.2). Kinds that are not known are kept: they verify nothing. */
export interface PublicKey {
  readonly keytype: string;
  readonly scheme: string;
  /** Hex for ed25519. */
  readonly public: string;
}

/** Decides one signature. `false` for anything that is not a sound signature of the message by the key. */
export type SignatureVerifier = (
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>;

type RawVerify = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/** One entry for each scheme that can be verified: what a key of it looks like, and who checks it. */
export function signatureVerifier(schemes: { readonly ed25519: RawVerify }): SignatureVerifier {
  return async (key, message, signature) => {
    if (key.keytype !== "ed25519" || key.scheme !== "ed25519") return false;
    if (!/^[0-9a-f]{64}$/.test(key.public)) return false;
    return schemes.ed25519(fromHex(key.public), message, signature);
  };
}

export function decodeKey(key: Decoder): PublicKey {
  return {
    keytype: key.get("keytype").string(),
    scheme: key.get("scheme").string(),
    public: key.get("keyval").get("public").string(8192),
  };
}

export const ed25519Key = (publicKey: Uint8Array): PublicKey => ({
  keytype: "ed25519",
  scheme: "ed25519",
  public: toHex(publicKey),
});

export const keyToJson = (key: PublicKey): JsonObject =>
  jsonObject({
    keytype: key.keytype,
    keyval: jsonObject({ public: key.public }),
    scheme: key.scheme,
  });

/** SHA-256 of the key's canonical JSON, the customary key id. Readers take any id (specification 4.2). */
export async function keyId(key: PublicKey): Promise<string> {
  return toHex(await digest("sha256", canonicalJson(keyToJson(key))));
}
