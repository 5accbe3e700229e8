/**
 * What the bits of /proc/sys/kernel/tainted mean (Documentation/admin-guide/tainted-kernels.rst, Linux 6.12), by their
 * numbers. Bits that are not here are shown by their numbers.
 */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [0, "a proprietary module"],
  [1, "a module that was forced to load"],
  [3, "a module that was forced to unload"],
  [5, "a bad page"],
  [7, "an oops"],
  [9, "a warning"],
  [10, "a driver of the staging area"],
  [12, "a module from outside of the kernel's tree"],
  [13, "a module without a valid signature"],
  [14, "a soft lockup"],
  [15, "a live patch"],
  [18, "a test"],
]);

/** What every live patch sets that was built apart from the kernel and has no signature that the kernel knows. */
const OF_LIVE_PATCH: ReadonlySet<number> = new Set([12, 13, 15]);

/** The kernel has 19 bits in Linux 6.12. */
const MAX_BITS = 31;

/** Says what tainted the kernel since `before`, apart from what a live patch sets. */
export function newTaint(before: number, after: number): readonly string[] {
  const bits = Array.from({ length: MAX_BITS }, (_, bit) => bit);
  return bits
    .filter((bit) => ((after & ~before) >>> bit) & 1 && !OF_LIVE_PATCH.has(bit))
    .map((bit) => MEANINGS.get(bit) ?? `bit ${bit}`);
}
