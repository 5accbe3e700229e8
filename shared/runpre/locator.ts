import { quotientPower, timesPower } from "./gf256.ts";

/**
 * The bytes of code that one pair of check bytes stands for. It is below 255 so that each place has a power
 * of its own.
 */
export const BLOCK = 64;
/**
 * The larger block that is used where the locators of a whole kernel are stored together, and size matters
 * more than a short report.
 */
export const FOLDED_BLOCK = 128;
const CHECK_BYTES = 2;

/** Returns the length in bytes of the locator of a function of `size` bytes. */
export function locatorLength(size: number, block: number = BLOCK): number {
  // Whole quotients alone need no memory, which counts where this is asked for 100,000 functions.
  const rest = size % block;
  return CHECK_BYTES * ((size - rest) / block + Number(rest > 0));
}

/**
 * Converts a locator with blocks of BLOCK to one with blocks of FOLDED_BLOCK, which is possible because sums
 * add up.
 */
export function foldLocator(locator: Uint8Array): Uint8Array {
  const pairs = Math.ceil(locator.length / CHECK_BYTES / 2);
  const out = new Uint8Array(CHECK_BYTES * pairs);
  for (let at = 0; at < out.length; at += CHECK_BYTES) {
    const [sum = 0, weighted = 0, nextSum = 0, nextWeighted = 0] = locator.subarray(2 * at, 2 * at + 4);
    out[at] = sum ^ nextSum;
    out[at + 1] = weighted ^ timesPower(nextWeighted, BLOCK);
  }
  return out;
}

/**
 * Makes the check bytes that tell where code differs, without holding the code: for each block the sum of its
 * bytes, and the sum of each byte times the generator to the power of its place, over GF(256) (the two
 * syndromes of a Reed-Solomon code). One changed byte of a block is found exactly, with the value it had. The
 * locator decides nothing: SHA-256 does.
 */
export function locatorOf(body: Uint8Array, block: number = BLOCK): Uint8Array {
  const out = new Uint8Array(locatorLength(body.length, block));
  for (let start = 0, at = 0; start < body.length; start += block, at += CHECK_BYTES) {
    const length = Math.min(block, body.length - start);
    let sum = 0;
    let weighted = 0;
    for (let i = 0; i < length; i++) {
      const byte = body[start + i] ?? 0;
      sum ^= byte;
      weighted ^= timesPower(byte, i);
    }
    out[at] = sum;
    out[at + 1] = weighted;
  }
  return out;
}

/** The findings of the locator about a changed body. */
export interface Located {
  /** The body with every located byte corrected. */
  readonly corrected: Uint8Array;
  /** The places of the corrected bytes, rising. */
  readonly changed: readonly number[];
  /** The places of the blocks in which more than one byte differs, rising. */
  readonly damaged: readonly number[];
  /** The size of these blocks. */
  readonly block: number;
}

/**
 * Finds the changed bytes of a body.
 * @param expected the locator of the body as it should be. Its length must fit, and tells the size of the
 * blocks.
 */
export function locate(body: Uint8Array, expected: Uint8Array): Located {
  const block = expected.length === locatorLength(body.length) ? BLOCK : FOLDED_BLOCK;
  const found = locatorOf(body, block);
  const corrected = new Uint8Array(body);
  const changed: number[] = [];
  const damaged: number[] = [];
  for (let start = 0, at = 0; start < body.length; start += block, at += CHECK_BYTES) {
    const sum = (found[at] ?? 0) ^ (expected[at] ?? 0);
    const weighted = (found[at + 1] ?? 0) ^ (expected[at + 1] ?? 0);
    if (sum === 0 && weighted === 0) continue;
    const place = sum === 0 || weighted === 0 ? block : quotientPower(weighted, sum);
    if (place >= Math.min(block, body.length - start)) {
      damaged.push(start);
      continue;
    }
    corrected[start + place] = (corrected[start + place] ?? 0) ^ sum;
    changed.push(start + place);
  }
  return { corrected, changed, damaged, block };
}
