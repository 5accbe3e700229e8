import { equalBytes, fromBase64, fromHex } from "../bytes.ts";
import { ParseError } from "../errors.ts";
import { DER, DerReader } from "./der.ts";

/**
 * Reads public keys in PEM (RFC 7468 section 13) into bytes that are the same for the same key, however its text is
 * wrapped: so one key is not taken for two. Every function throws ParseError.
 */

const PEM = /^-----BEGIN PUBLIC KEY-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n)+)-----END PUBLIC KEY-----\s*$/;

/** Returns a SubjectPublicKeyInfo (RFC 5280 section 4.1) in DER. */
export function spkiFromPem(text: string): Uint8Array {
  const body = PEM.exec(text)?.[1];
  if (body === undefined) throw new ParseError("not a public key in PEM");
  return fromBase64(body.replace(/[\r\n]/g, ""));
}

/** SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING } up to the point (RFC 5480 section 2). */
const P256_HEAD = fromHex("3059301306072a8648ce3d020106082a8648ce3d030107034200");

/** Returns the 65 bytes of an uncompressed point on P-256. Whether it lies on the curve is checked where it is used. */
export function p256Point(spki: Uint8Array): Uint8Array {
  const point = spki.subarray(P256_HEAD.length);
  if (!equalBytes(spki.subarray(0, P256_HEAD.length), P256_HEAD)) throw new ParseError("not a P-256 key");
  if (point.length !== 65 || point[0] !== 4) throw new ParseError("not an uncompressed point on P-256");
  return point;
}

/** rsaEncryption (RFC 8017 appendix A.1). */
const RSA_OID = fromHex("2a864886f70d010101");
/** TUF specification 4.2: "All RSA keys MUST be at least 2048 bits". */
const MIN_RSA_BITS = 2048;
/** Longer keys cost the verifier more than any security they add. */
const MAX_RSA_BITS = 8192;

/** Returns the bits of an RSA key's modulus. All of the key must be strict DER and of a sane size. */
export function rsaBits(spki: Uint8Array): number {
  const outer = new DerReader(spki, "RSA key");
  const info = outer.inside(DER.sequence);
  outer.end();
  const algorithm = info.inside(DER.sequence);
  if (!equalBytes(algorithm.value(DER.oid), RSA_OID)) throw new ParseError("not an RSA key");
  if (algorithm.value(DER.null).length > 0) throw new ParseError("RSA key: a NULL that is none");
  algorithm.end();
  const bits = info.value(DER.bitString);
  info.end();
  if (bits[0] !== 0) throw new ParseError("RSA key: not whole bytes");
  return modulusBits(bits.subarray(1));
}

/** RSAPublicKey ::= SEQUENCE { modulus, publicExponent } (RFC 8017 appendix A.1.1). */
function modulusBits(bytes: Uint8Array): number {
  const outer = new DerReader(bytes, "RSA key");
  const key = outer.inside(DER.sequence);
  outer.end();
  const modulus = key.unsigned();
  const exponent = key.unsigned();
  key.end();
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new ParseError(`RSA key: ${bits} bits, not ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`);
  }
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
  if (!odd || exponent.length > 4 || equalBytes(exponent, Uint8Array.of(1))) {
    throw new ParseError("RSA key: an unsound exponent");
  }
  return bits;
}
