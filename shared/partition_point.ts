/**
 * Finds where a test stops passing, by halving: the numbers from 0 to some point pass it, and those from there to
 * `count` do not.
 * @returns how many of the numbers pass.
 */
export function partitionPoint(count: number, passes: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
