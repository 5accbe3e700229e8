import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runBuildTool } from "../source/build_tools.ts";
import { type DifferingRange, differingRanges } from "../source/differing_ranges.ts";

/** The time that diff may take for one function, in milliseconds. */
const TIMEOUT_MS = 20_000;

/** A line of the old side and a line of the new side that stand beside each other. One of them may be missing. */
export interface SideBySide<T> {
  readonly isSame: boolean;
  readonly old?: T;
  readonly now?: T;
}

/**
 * Aligns two lists of lines as diff(1) does.
 * @param keyOf what of a line is compared: one line of text.
 */
export async function sideBySide<T>(
  old: readonly T[],
  now: readonly T[],
  keyOf: (line: T) => string,
): Promise<readonly SideBySide<T>[]> {
  const work = await mkdtemp(join(tmpdir(), "rebootless-align-"));
  try {
    const [before, after] = [join(work, "before"), join(work, "after")];
    const text = (lines: readonly T[]): string => lines.map((line) => `${keyOf(line)}\n`).join("");
    await writeFile(before, text(old));
    await writeFile(after, text(now));
    const { stdout } = await runBuildTool("diff", ["-a", "-U0", before, after], { timeoutMs: TIMEOUT_MS });
    return alignedBy(old, now, differingRanges(stdout));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Puts lines beside each other: those between the ranges are the same, and those in a range are paired in order. */
export function alignedBy<T>(
  old: readonly T[],
  now: readonly T[],
  ranges: readonly DifferingRange[],
): readonly SideBySide<T>[] {
  const rows: SideBySide<T>[] = [];
  const pair = (isSame: boolean, left: readonly T[], right: readonly T[]): void => {
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const [one, other] = [left[i], right[i]];
      rows.push({
        isSame,
        ...(one !== undefined && { old: one }),
        ...(other !== undefined && { now: other }),
      });
    }
  };
  let [oldAt, nowAt] = [0, 0];
  for (const { oldStart, oldCount, nowStart, nowCount } of ranges) {
    pair(true, old.slice(oldAt, oldStart), now.slice(nowAt, nowStart));
    pair(false, old.slice(oldStart, oldStart + oldCount), now.slice(nowStart, nowStart + nowCount));
    [oldAt, nowAt] = [oldStart + oldCount, nowStart + nowCount];
  }
  pair(true, old.slice(oldAt), now.slice(nowAt));
  return rows;
}
