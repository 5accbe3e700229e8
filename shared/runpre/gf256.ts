// This is x^8 + x^4 + x^3 + x^2 + 1, of which x (2) generates all non-zero elements.
const POLYNOMIAL = 0x11d;
const ORDER = 255;

/**
 * The field of 256 elements, in which addition is XOR. These tables are the powers of the generator and their
 * exponents.
 */
const { powers, exponents } = buildTables();

function buildTables(): { powers: Uint8Array; exponents: Uint8Array } {
  const powers = new Uint8Array(2 * ORDER);
  const exponents = new Uint8Array(256);
  for (let i = 0, x = 1; i < ORDER; i++) {
    powers[i] = x;
    powers[i + ORDER] = x;
    exponents[x] = i;
    x <<= 1;
    if (x > 255) x ^= POLYNOMIAL;
  }
  return { powers, exponents };
}

/** Multiplies `byte` by the generator to the `power` (0 to 254). */
export const timesPower = (byte: number, power: number): number =>
  byte === 0 ? 0 : (powers[(exponents[byte] ?? 0) + power] ?? 0);

/** Returns the power (0 to 254) of the generator that equals `a / b`. Both must not be 0. */
export const quotientPower = (a: number, b: number): number =>
  ((exponents[a] ?? 0) - (exponents[b] ?? 0) + ORDER) % ORDER;
