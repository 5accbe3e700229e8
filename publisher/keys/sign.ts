import { ed25519Secret } from "../../node/crypto.ts";
import type { JsonObject } from "../../shared/json.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import type { PublicKey } from "../../shared/tuf/keys.ts";
import { envelope, type Signature } from "../../shared/tuf/metadata.ts";
import type { SigningKey } from "./key_file.ts";

/** Who makes the signatures of a key: the secret itself, or a program that asks what holds it. */
export interface KeySigner {
  readonly id: string;
  readonly key: PublicKey;
  /** Throws where there is no sound signature to be had. */
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
}

export function signerOf({ id, key, seed }: SigningKey): KeySigner {
  const secret = ed25519Secret(seed);
  return { id, key, sign: async (message) => secret.sign(message) };
}

/** One after the other: a person may have to touch a device for each. */
export async function signaturesBy(
  signers: readonly KeySigner[],
  message: Uint8Array,
): Promise<readonly Signature[]> {
  const made: Signature[] = [];
  for (const { id, sign } of signers) made.push({ keyId: id, signature: await sign(message) });
  return made;
}

/** The file of a document, with a signature of each. */
export const signBy = async (document: JsonObject, signers: readonly KeySigner[]): Promise<Uint8Array> =>
  envelope(document, await signaturesBy(signers, canonicalJson(document)));

/** The same with secrets that are at hand. */
export function signWithSecrets(document: JsonObject, keys: readonly SigningKey[]): Uint8Array {
  const message = canonicalJson(document);
  return envelope(
    document,
    keys.map(({ id, seed }) => ({ keyId: id, signature: ed25519Secret(seed).sign(message) })),
  );
}
