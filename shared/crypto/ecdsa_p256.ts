import { DER, DerReader } from "./der.ts";

/**
 * Verifies ECDSA on P-256 with SHA-256 (FIPS 186-5 section 6) through WebCrypto. Signatures are in DER (RFC 3279
 * section 2.2.3), and no other encoding of them is accepted.
 *
 * @param point 65 bytes, uncompressed. One that is not on the curve verifies nothing.
 */
export async function ecdsaP256(
  point: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const raw = rawSignature(signature);
  const key = raw && (await importPoint(point));
  if (!key) return false;
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  return crypto.subtle.verify(
    algorithm,
    key,
    raw as Uint8Array<ArrayBuffer>,
    message as Uint8Array<ArrayBuffer>,
  );
}

async function importPoint(point: Uint8Array) {
  try {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    return await crypto.subtle.importKey("raw", point as Uint8Array<ArrayBuffer>, algorithm, false, [
      "verify",
    ]);
  } catch {
    return undefined; // 65 bytes can only be wrong in not being a point of the curve
  }
}

/**
 * Returns r and s, 32 bytes each, as WebCrypto takes them (IEEE P1363); undefined for anything but SEQUENCE { r, s }.
 */
export function rawSignature(der: Uint8Array): Uint8Array | undefined {
  try {
    const outer = new DerReader(der, "ECDSA signature");
    const pair = outer.inside(DER.sequence);
    outer.end();
    const [r, s] = [pair.unsigned(), pair.unsigned()];
    pair.end();
    if (r.length > 32 || s.length > 32) return undefined;
    const raw = new Uint8Array(64);
    raw.set(r, 32 - r.length);
    raw.set(s, 64 - s.length);
    return raw;
  } catch {
    return undefined;
  }
}
