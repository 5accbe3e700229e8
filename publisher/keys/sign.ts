import { ed25519Secret } from "../../node/crypto.ts";
import type { JsonObject } from "../../shared/json.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import type { PublicKey } from "../../shared/tuf/keys.ts";
import { envelope, type Signature } from "../../shared/tuf/metadata.ts";
import type { SigningKey } from "./key_file.ts";

/** A signer for one key, which holds the secret itself or asks a program that has access to it. */
export interface KeySigner {
  readonly id: string;
  readonly key: PublicKey;
  /** Signs a message. Throws if no valid signature can be made. */
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
}

export function signerOf({ id, key, seed }: SigningKey): KeySigner {
  const secret = ed25519Secret(seed);
  return { id, key, sign: async (message) => secret.sign(message) };
}

/** Makes signatures one after the other, because a person may have to touch a device for each. */
export async function signaturesBy(
  signers: readonly KeySigner[],
  message: Uint8Array,
): Promise<readonly Signature[]> {
  const made: Signature[] = [];
  for (const { id, sign } of signers) made.push({ keyId: id, signature: await sign(message) });
  return made;
}

/** Writes the file of a document with a signature by each signer. */
export const signBy = async (document: JsonObject, signers: readonly KeySigner[]): Promise<Uint8Array> =>
  envelope(document, await signaturesBy(signers, canonicalJson(document)));

/** Writes the file of a document with a signature by each of the secret keys. */
export function signWithSecrets(document: JsonObject, keys: readonly SigningKey[]): Uint8Array {
  const message = canonicalJson(document);
  return envelope(
    document,
    keys.map(({ id, seed }) => ({ keyId: id, signature: ed25519Secret(seed).sign(message) })),
  );
}
