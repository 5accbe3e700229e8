import type { Fault, FixNumber, Tried } from "./faults.ts";

/** A fix that was taken out, and the attempt that showed why. */
export interface TakenOut<R> {
  readonly fix: FixNumber;
  readonly tried: Tried<R>;
  readonly faults: readonly Fault<R>[];
}

/** What an attempt showed about a group: the faults that concern it. There are none if the group's trial is safe. */
export interface TrialShown<R> {
  readonly tried: Tried<R>;
  readonly faults: readonly Fault<R>[];
}

/** The outcome of sifting a group. */
export interface Sifted<R> {
  /** False if the faults are there without any of the group. */
  readonly isToBlame: boolean;
  readonly out: readonly TakenOut<R>[];
}

/**
 * Finds which fixes of a group can stay, in their order, by halves: a generator of trials, each of which is a part of the
 * group, that is told what the trial showed. The whole group is known to be at fault.
 * @param whole what the attempt with the whole group showed.
 */
export function* sift<R>(
  members: readonly FixNumber[],
  whole: TrialShown<R>,
): Generator<readonly FixNumber[], Sifted<R>, TrialShown<R>> {
  const none = yield [];
  if (none.faults.length > 0) return { isToBlame: false, out: [] };
  const safe: FixNumber[] = [];
  const out: TakenOut<R>[] = [];
  function* add(
    chunk: readonly FixNumber[],
    failed: TrialShown<R> | undefined,
  ): Generator<readonly FixNumber[], void, TrialShown<R>> {
    const shown = failed ?? (yield [...safe, ...chunk]);
    const [first] = chunk;
    if (shown.faults.length === 0) safe.push(...chunk);
    else if (chunk.length === 1 && first !== undefined)
      out.push({ fix: first, tried: shown.tried, faults: faultsOf(first, shown.faults) });
    else {
      const half = chunk.length >> 1;
      const before = out.length;
      yield* add(chunk.slice(0, half), undefined);
      // If the first half is safe, it is the second one that fails, and there is no need to try it.
      yield* add(chunk.slice(half), out.length === before ? shown : undefined);
    }
  }
  yield* add(members, whole);
  return { isToBlame: true, out };
}

/** Returns the faults for which a fix may be to blame, or all if it is suspected of none of them. */
function faultsOf<R>(fix: FixNumber, faults: readonly Fault<R>[]): readonly Fault<R>[] {
  const own = faults.filter(({ suspects }) => suspects.some((some) => some.includes(fix)));
  return own.length > 0 ? own : faults;
}
