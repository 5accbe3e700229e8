/**
 * Works on all items, a limited number at a time, and returns the results in the order of the items. After
 * the first error no other item is begun, and the error is thrown when all items that were begun have ended.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  const queue = [...items.entries()].reverse();
  const errors: unknown[] = [];
  const worker = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [i, item] = next;
      try {
        results[i] = await work(item, i);
      } catch (error) {
        queue.length = 0;
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
  return results;
}
