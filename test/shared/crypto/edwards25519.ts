/* The curve of RFC 8032 section 5.1, written from its equation and slow: an oracle for tests, never for use. */

export const P = 2n ** 255n - 19n;
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;

const mod = (a: bigint): bigint => ((a % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b))
    if (e & 1n) result = mod(result * b);
  return result;
}

const inverse = (a: bigint): bigint => power(a, P - 2n);
const D = mod(-121665n * inverse(121666n));
const SQRT_MINUS_ONE = power(2n, (P - 1n) / 4n);

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

export const IDENTITY: Point = { x: 0n, y: 1n };

/** -x² + y² = 1 + dx²y² */
export const isOnCurve = ({ x, y }: Point): boolean => mod(-x * x + y * y - 1n - D * x * x * y * y) === 0n;

/** RFC 8032 section 5.1.4, in affine coordinates. */
export function add(a: Point, b: Point): Point {
  const product = mod(D * a.x * b.x * a.y * b.y);
  return {
    x: mod((a.x * b.y + b.x * a.y) * inverse(1n + product)),
    y: mod((a.y * b.y + a.x * b.x) * inverse(1n - product)),
  };
}

export function multiply(point: Point, scalar: bigint): Point {
  let result = IDENTITY;
  for (let p = point, k = scalar; k > 0n; k >>= 1n, p = add(p, p)) if (k & 1n) result = add(result, p);
  return result;
}

/** A point with this y, if there is one: x² = (y² - 1) / (dy² + 1). */
export function withY(y: bigint): Point | undefined {
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  const root = power(square, (P + 3n) / 8n);
  for (const x of [root, mod(root * SQRT_MINUS_ONE)]) if (mod(x * x) === square) return { x, y };
  return undefined;
}

/** The points whose order divides 8: what is left of any point when its part of order L is multiplied away. */
export function torsionPoints(): Point[] {
  for (let y = 2n; ; y++) {
    const point = withY(y);
    const torsion = point && multiply(point, L);
    // Of order 8 exactly, so that its multiples are all of them.
    if (torsion && multiply(torsion, 4n).y !== 1n)
      return Array.from({ length: 8 }, (_, i) => multiply(torsion, BigInt(i)));
  }
}

export const littleEndian = (value: bigint, length = 32): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

export const fromLittleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** RFC 8032 section 5.1.2. @param sign of x, where it is to be another than it is. */
export const encode = ({ x, y }: Point, sign = x & 1n): Uint8Array => littleEndian(y | (sign << 255n));
