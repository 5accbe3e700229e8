import { rsaBits } from "./spki.ts";

const HASH_BYTES = 32;

/**
 * Verifies RSASSA-PSS with SHA-256 and MGF1 (RFC 8017 section 8.1) through WebCrypto. TUF names no length for the salt,
 * and signers differ: securesystemslib uses the hash's, Go's default is the longest that fits. Both verify.
 *
 * @param spki the key as a SubjectPublicKeyInfo that `rsaBits` found sound.
 */
export async function rsaPss(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const algorithm = { name: "RSA-PSS", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("spki", spki as Uint8Array<ArrayBuffer>, algorithm, false, [
    "verify",
  ]);
  // RFC 8017 section 9.1.1: emLen = ceil((modBits - 1) / 8), and sLen is at most emLen - hLen - 2.
  const longest = Math.ceil((rsaBits(spki) - 1) / 8) - HASH_BYTES - 2;
  for (const saltLength of [HASH_BYTES, longest]) {
    const parameters = { name: "RSA-PSS", saltLength };
    const [sig, data] = [signature as Uint8Array<ArrayBuffer>, message as Uint8Array<ArrayBuffer>];
    if (await crypto.subtle.verify(parameters, key, sig, data)) return true;
  }
  return false;
}
