/**
 * Writes a count with its noun: `1 kernel`, `2 kernels`.
 * @param many the plural, if it is not the noun with an s.
 */
export const counted = (count: number | bigint, noun: string, many: string = `${noun}s`): string =>
  `${count} ${Number(count) === 1 ? noun : many}`;
