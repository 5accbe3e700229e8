/**
 * Pauses in milliseconds before each further reading. A text poke in flight (a jump label, a probe) leaves an int3 for an
 * instant; a machine that has just booted flips static keys for seconds; and a variable may change before its code does.
 */
const PAUSES = [0, 50, 500, 2_000] as const;

/**
 * Returns the candidates that differ at every further reading.
 *
 * @param differs reads the kernel again, remembering nothing of earlier readings, and returns those that still differ.
 */
export async function rereadUntilStable<T>(
  candidates: readonly T[],
  differs: (candidates: readonly T[]) => Promise<readonly T[]>,
  sleep: (milliseconds: number) => Promise<void>,
): Promise<readonly T[]> {
  let left = candidates;
  for (const pause of PAUSES) {
    if (left.length === 0) return left;
    if (pause > 0) await sleep(pause);
    left = await differs(left);
  }
  return left;
}
