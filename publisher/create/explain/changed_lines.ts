import { sideBySide } from "../page/side_by_side.ts";
import type { FileChange } from "../source/apply_patch.ts";

/** Returns the numbers of the lines of a patched file that the patch added or changed, or before which it removed some. */
export async function changedLines(change: FileChange | undefined): Promise<readonly number[]> {
  if (change === undefined) return [];
  if (change.before === undefined || change.after === undefined) return [1];
  const rows = await sideBySide(change.before.split("\n"), change.after.split("\n"), (line) => line);
  const meant: number[] = [];
  let number = 1;
  for (const { isSame, now } of rows) {
    if (!isSame) meant.push(number);
    if (now !== undefined) number += 1;
  }
  return meant;
}
