import type { FileChange } from "../source/apply_patch.ts";

/**
 * Returns the lines of a patched file that the compiler calls by a number. `#line` directives keep the numbers of lines
 * that the patch does not touch, so that a line that it adds may have the number of a later one, too.
 */
export function realLines(change: FileChange | undefined, number: number): readonly number[] {
  if (change?.after === undefined || change.numbered === undefined) return [number];
  const real = change.after.split("\n");
  const found: number[] = [];
  let [at, called] = [0, 1];
  for (const line of change.numbered.split("\n")) {
    const [, next] = line === real[at] ? [] : (/^#line (\d+)$/.exec(line) ?? []);
    if (next !== undefined) {
      called = Number(next);
      continue;
    }
    if (called === number) found.push(at + 1);
    at += 1;
    called += 1;
  }
  return found;
}
