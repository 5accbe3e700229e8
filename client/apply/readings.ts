/**
 * Pauses in milliseconds before each further reading of what differs. A text poke in flight (a jump label, a probe) leaves
 * an int3 for an instant; a machine that has just booted flips keys for seconds, and a variable may change before its code.
 */
const PAUSES = [0, 50, 500, 2_000] as const;

/**
 * What differs at every further reading.
 * @param differs looks at all of them anew, with nothing remembered of the kernel, and returns those that still differ.
 */
export async function lasting<T>(
  suspects: readonly T[],
  differs: (suspects: readonly T[]) => Promise<readonly T[]>,
  sleep: (milliseconds: number) => Promise<void>,
): Promise<readonly T[]> {
  let left = suspects;
  for (const pause of PAUSES) {
    if (left.length === 0) return left;
    if (pause > 0) await sleep(pause);
    left = await differs(left);
  }
  return left;
}
