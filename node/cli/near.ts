/** The most changes that count as a typing error. With more, it is another name. */
const MAX_CHANGES = 2;
const MAX_NAMES = 3;

/** Returns at most three known names that differ from the written one by a typing error, the nearest first. */
export function nearNames(written: string, known: Iterable<string>): readonly string[] {
  const near = [...new Set(known)].flatMap((name) => {
    if (Math.abs(name.length - written.length) > MAX_CHANGES) return [];
    const changes = changesBetween(written, name);
    return changes <= MAX_CHANGES ? [{ name, changes }] : [];
  });
  return near
    .sort((a, b) => a.changes - b.changes)
    .slice(0, MAX_NAMES)
    .map(({ name }) => name);
}

/** Returns how many characters must be inserted, removed or replaced to turn one text into the other (Levenshtein). */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
