/**
 * The most bytes of a run. What differs makes a reader look at the functions of its run one by one, so runs are
 * not longer than what saves digests.
 */
export const RUN_BYTES = 16 * 1024;

/**
 * Divides functions into runs, of which each has one digest. The functions of a run adjoin each other, and there
 * are as many as fit RUN_BYTES; a larger function is a run by itself. The places of functions say everything about
 * runs, so a file cannot leave out a function, nor count one twice.
 * @returns the number of the first function of each run, and last the number of all functions.
 */
export function divideIntoRuns({ count, offsets, sizes }: Places): readonly number[] {
  const starts: number[] = [];
  let start = 0;
  let end = -1;
  for (let i = 0; i < count; i++) {
    const offset = offsets[i] ?? 0;
    const next = offset + (sizes[i] ?? 0);
    if (offset !== end || next - start > RUN_BYTES) {
      starts.push(i);
      start = offset;
    }
    end = next;
  }
  return [...starts, count];
}

interface Places {
  readonly count: number;
  readonly offsets: ArrayLike<number>;
  readonly sizes: ArrayLike<number>;
}
