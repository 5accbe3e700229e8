import { fromHex, toHex } from "../bytes.ts";
import type { Digests } from "../crypto/digests.ts";
import { p256Point, rsaBits, spkiFromPem } from "../crypto/spki.ts";
import type { Decoder } from "../decode.ts";
import { isCode } from "../errors.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { canonicalJson } from "./canonical_json.ts";
import { isOwner, OWNER_MEMBER } from "./key_owner.ts";

/** A public key as metadata lists it (specification 4.2). A key of an unknown kind is kept, and verifies nothing. */
export interface PublicKey {
  readonly keytype: string;
  readonly scheme: string;
  /** Hex for ed25519, PEM for ecdsa and rsa. */
  readonly public: string;
  /** Its owner, for people (key_owner.ts). Keys that differ only in it are the same key. */
  readonly owner?: string;
}

/** The signature schemes of specification 4.2. */
export type Scheme = "ed25519" | "ecdsa-sha2-nistp256" | "rsassa-pss-sha256";

interface SchemeEntry {
  readonly keytypes: readonly string[];
  /** Turns the text in metadata into the bytes that stand for this key and no other. @throws ParseError */
  readonly material: (text: string) => Uint8Array;
}

const SCHEMES: ReadonlyMap<string, SchemeEntry> = new Map<Scheme, SchemeEntry>([
  ["ed25519", { keytypes: ["ed25519"], material: fromHex }],
  [
    "ecdsa-sha2-nistp256",
    // Before specification 1.0.33 the keytype of these keys was the name of the scheme; such keys are in use.
    { keytypes: ["ecdsa", "ecdsa-sha2-nistp256"], material: (pem) => p256Point(spkiFromPem(pem)) },
  ],
  ["rsassa-pss-sha256", { keytypes: ["rsa"], material: rsaMaterial }],
]);

function rsaMaterial(pem: string): Uint8Array {
  const spki = spkiFromPem(pem);
  rsaBits(spki);
  return spki;
}

/** Verifies one signature. Returns false for anything that is not a sound signature of the message by the key. */
export type SignatureVerifier = (
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>;

/** Verifies one scheme's signatures. Takes the key's material, whose form `SCHEMES` tells. */
export type RawVerify = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/** Makes a verifier of several schemes. Keys of a scheme that is not among `verifiers` verify nothing. */
export function signatureVerifier(
  verifiers: Readonly<Partial<Record<Scheme, RawVerify>>>,
): SignatureVerifier {
  const byScheme: ReadonlyMap<string, RawVerify> = new Map(Object.entries(verifiers));
  return async (key, message, signature) => {
    const verify = byScheme.get(key.scheme);
    const material = keyMaterial(key);
    return verify !== undefined && material !== undefined && (await verify(material, message, signature));
  };
}

/**
 * Returns the same text for the same key, under whatever id, keytype or line wrapping it is listed; undefined for a
 * key that is malformed or of an unknown kind.
 */
export function keyIdentity(key: PublicKey): string | undefined {
  const material = keyMaterial(key);
  return material && `${key.scheme} ${toHex(material)}`;
}

function keyMaterial(key: PublicKey): Uint8Array | undefined {
  const entry = SCHEMES.get(key.scheme);
  if (!entry?.keytypes.includes(key.keytype)) return undefined;
  try {
    return entry.material(key.public);
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}

export function decodeKey(key: Decoder): PublicKey {
  const owner = key.get(OWNER_MEMBER).value;
  return {
    keytype: key.get("keytype").string(),
    scheme: key.get("scheme").string(),
    public: key.get("keyval").get("public").string(8192),
    // An owner that may not stand there is ignored: no host refuses a root for it.
    ...(typeof owner === "string" && isOwner(owner) && { owner }),
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
    [OWNER_MEMBER]: key.owner,
  });

/**
 * Returns the SHA-256 of the key's canonical JSON without its owner, the customary key id. Readers take any id
 * (specification 4.2).
 */
export async function keyId(
  { keytype, scheme, public: shown }: PublicKey,
  digests: Digests,
): Promise<string> {
  return digests.sha256(canonicalJson(keyToJson({ keytype, scheme, public: shown })));
}
