import type { Attempts, FixNumber, Tried } from "./faults.ts";
import type { TakenOut } from "./sift.ts";

/**
 * Returns the fixes without which another one is at fault, although it was not while they were there. The attempts that
 * were made tell it, and more of them narrow it down, as long as they are allowed.
 * @param kept the fixes that can be made together.
 * @param out the fixes that were taken out.
 */
export async function findNeeded<R>(
  { fix, tried, faults }: TakenOut<R>,
  kept: readonly FixNumber[],
  out: ReadonlySet<FixNumber>,
  attempts: Attempts<R>,
): Promise<readonly FixNumber[]> {
  const keys = new Set(faults.map(({ key }) => key));
  const stage = Math.max(...faults.map((fault) => fault.stage));
  const isWithout = (other: Tried<R>): boolean =>
    other.fixes.has(fix) && other.stage >= stage && !other.faults.some(({ key }) => keys.has(key));
  const missing = attempts.all
    .filter(isWithout)
    .map(({ fixes }) => [...fixes].filter((one) => one !== fix && out.has(one) && !tried.fixes.has(one)))
    .filter(({ length }) => length > 0)
    .sort((a, b) => a.length - b.length);
  const [fewest] = missing;
  if (fewest === undefined) return [];
  const isEnough = async (some: readonly FixNumber[]): Promise<boolean> => {
    const other = await attempts.of([...kept, ...some, fix]);
    return other !== undefined && isWithout(other);
  };
  return narrowed(fewest, isEnough);
}

/** Returns a part of a list that is enough, by halves. The list as a whole is enough. */
async function narrowed(
  some: readonly FixNumber[],
  isEnough: (some: readonly FixNumber[]) => Promise<boolean>,
): Promise<readonly FixNumber[]> {
  if (some.length === 1) return some;
  const half = some.length >> 1;
  for (const part of [some.slice(0, half), some.slice(half)])
    if (await isEnough(part)) return narrowed(part, isEnough);
  return some;
}
