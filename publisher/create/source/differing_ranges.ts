/** A range of lines that differ: how many lines of each side, and the number of the first of them, counted from 0. */
export interface DifferingRange {
  readonly oldStart: number;
  readonly oldCount: number;
  readonly nowStart: number;
  readonly nowCount: number;
}

/** Reads the heads of hunks of a diff without context. For an empty range, diff gives the line before it. */
export const differingRanges = (diff: string): readonly DifferingRange[] =>
  [...diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(
    ([, oldAt = "0", oldLength = "1", nowAt = "0", nowLength = "1"]) => ({
      oldStart: Number(oldAt) - (Number(oldLength) === 0 ? 0 : 1),
      oldCount: Number(oldLength),
      nowStart: Number(nowAt) - (Number(nowLength) === 0 ? 0 : 1),
      nowCount: Number(nowLength),
    }),
  );
