import { quotientPower, timesPower } from "./gf256.ts";

/** Bytes of code that one pair of check bytes stands for. Below 255, so that each place has a power of its own. */
export const BLOCK = 64;
const CHECK_BYTES = 2;

/** Bytes of the locator of a function of `size` bytes. */
export const locatorLength = (size: number): number => CHECK_BYTES * Math.ceil(size / BLOCK);

/**
 * Says where code differs, without holding the code: for each block the sum of its bytes and the sum of each byte times
 * the generator to the power of its place, over GF(256) (the two syndromes of a Reed-Solomon code). One changed byte of
 * a block is found exactly, with the value it had. It decides nothing: SHA-256 does.
 */
export function locatorOf(body: Uint8Array): Uint8Array {
  const out = new Uint8Array(locatorLength(body.length));
  for (let start = 0, at = 0; start < body.length; start += BLOCK, at += CHECK_BYTES) {
    const length = Math.min(BLOCK, body.length - start);
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

/** What the locator says of a changed body. */
export interface Located {
  /** The body with every located byte put right. */
  readonly corrected: Uint8Array;
  /** Places of the bytes put right, rising. */
  readonly changed: readonly number[];
  /** Places of the blocks in which more than one byte differs, rising. */
  readonly damaged: readonly number[];
}

/** @param expected of the body as it should be; its length must fit. */
export function locate(body: Uint8Array, expected: Uint8Array): Located {
  const found = locatorOf(body);
  const corrected = new Uint8Array(body);
  const changed: number[] = [];
  const damaged: number[] = [];
  for (let start = 0, at = 0; start < body.length; start += BLOCK, at += CHECK_BYTES) {
    const sum = (found[at] ?? 0) ^ (expected[at] ?? 0);
    const weighted = (found[at + 1] ?? 0) ^ (expected[at + 1] ?? 0);
    if (sum === 0 && weighted === 0) continue;
    const place = sum === 0 || weighted === 0 ? BLOCK : quotientPower(weighted, sum);
    if (place >= Math.min(BLOCK, body.length - start)) {
      damaged.push(start);
      continue;
    }
    corrected[start + place] = (corrected[start + place] ?? 0) ^ sum;
    changed.push(start + place);
  }
  return { corrected, changed, damaged };
}
