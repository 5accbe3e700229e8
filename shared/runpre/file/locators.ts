import { FOLDED_BLOCK, locatorLength } from "../locator.ts";

/** Returns the number of bytes of the locators of functions of these sizes. */
export function locatorBytes(sizes: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < sizes.length; i++) sum += locatorLength(sizes[i] ?? 0, FOLDED_BLOCK);
  return sum;
}

/**
 * Returns a function that gives the locator of each function. Only a mismatch needs one, so where they begin is worked out
 * when the first is asked for.
 */
export function decodeLocators(bytes: Uint8Array, sizes: Uint32Array): (i: number) => Uint8Array {
  let starts: Uint32Array | undefined;
  return (i) => {
    starts ??= startsOf(sizes);
    return bytes.subarray(starts[i], starts[i + 1]);
  };
}

function startsOf(sizes: Uint32Array): Uint32Array {
  const starts = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, i) => {
    starts[i + 1] = (starts[i] ?? 0) + locatorLength(size, FOLDED_BLOCK);
  });
  return starts;
}
