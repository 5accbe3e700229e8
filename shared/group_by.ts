/** Does what Map.groupBy does, which Node 20 lacks. Items without a key (undefined) are left out. */
export function groupBy<T, K>(items: Iterable<T>, key: (item: T) => K | undefined): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const found = key(item);
    if (found === undefined) continue;
    const group = groups.get(found);
    if (group === undefined) groups.set(found, [item]);
    else group.push(item);
  }
  return groups;
}
