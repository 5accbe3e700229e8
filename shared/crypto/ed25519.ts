/**
 * Verifies Ed25519 (RFC 8032), by one strict rule for all implementations. tweetnacl takes S + L for S; it, node:crypto and
 * WebCrypto take small-order and non-canonical public keys: what one accepts another may refuse, and a small-order key signs
 * anything. So the encoding is checked here first, and then an implementation does the mathematics.
 */
export type Ed25519Verify = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/** The order of the base point, L = 2^252 + 27742317777372353535851937790883648493. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The field's prime, p = 2^255 - 19. */
const PRIME = 2n ** 255n - 19n;
const SIGN_BIT = 2n ** 255n;

/** The y of one of the four points of order 8; the others have the same y or its negative. */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/**
 * The y coordinates of the eight points whose order divides 8 (the torsion subgroup): 1, -1, 0 (two points)
 * and the two of order 8 with their negatives. Derived in the tests from the curve's equation.
 */
export const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([0n, 1n, PRIME - 1n, ORDER_8_Y, PRIME - ORDER_8_Y]);

/**
 * Tells whether a key is the canonical encoding (y < p) of a point that is not of small order.
 *
 * @param publicKey 32 bytes.
 */
export function isSoundPublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  const y = littleEndian(publicKey) % SIGN_BIT;
  return y < PRIME && !SMALL_ORDER_Y.has(y);
}

/**
 * Tells whether S is below L, so that no second encoding of a signature passes.
 *
 * @param signature 64 bytes, R then S.
 */
export function isSoundSignature(signature: Uint8Array): boolean {
  return signature.length === 64 && littleEndian(signature.subarray(32)) < ORDER;
}

/**
 * Wraps an implementation: anything but a sound key and a sound signature is false, whatever the implementation says.
 */
export const strictEd25519 =
  (verify: Ed25519Verify): Ed25519Verify =>
  (publicKey, message, signature) =>
    isSoundPublicKey(publicKey) && isSoundSignature(signature) && verify(publicKey, message, signature);

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
