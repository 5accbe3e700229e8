import { type Attempt, Attempts, type Fault, type FixNumber, type Tried } from "./faults.ts";
import { findNeeded } from "./needed.ts";
import { type Sifted, sift, type TakenOut, type TrialShown } from "./sift.ts";

/** Why a fix is not in the set. */
export type WhyOut<R> =
  /** The kernel or this program refuses it. */
  | { readonly kind: "refused"; readonly reasons: readonly R[] }
  /** It was without fault until these fixes were taken out. */
  | { readonly kind: "needs"; readonly fixes: readonly FixNumber[]; readonly reasons: readonly R[] }
  /** It may be to blame for a fault, and no attempts were left to find out. */
  | { readonly kind: "undecided"; readonly reasons: readonly R[] };

/** A set of fixes that can be made together. */
export interface SafeSet<R> {
  readonly kept: readonly FixNumber[];
  readonly out: ReadonlyMap<FixNumber, WhyOut<R>>;
  /** The number of attempts that it took. */
  readonly attempts: number;
}

/** The attempts that are allowed after the limit, to end with a set that is known to be safe. */
const LAST_ATTEMPTS = 16;

/**
 * Finds the largest set of fixes that can be made together, by trying. It starts with all of them. Faults that may
 * have the same culprit make a group of suspects, and all groups are sifted at the same time, a trial of each in each
 * attempt, because fixes that touch different code do not depend on each other. The set is as large as can be in this
 * sense: no fix that was left out can be added to it. Of fixes that cannot go together, the earlier ones stay.
 * @param count the number of fixes.
 * @param limit the most attempts. When they are used up, suspects are left out undecided.
 */
export async function largestSafeSet<R>(
  count: number,
  attempt: Attempt<R>,
  limit: number,
): Promise<SafeSet<R>> {
  const search = new Search(
    Array.from({ length: count }, (_, fix) => fix),
    new Attempts(attempt, limit),
  );
  return search.run();
}

interface Group<R> {
  readonly members: ReadonlySet<FixNumber>;
  readonly keys: ReadonlySet<string>;
  readonly stage: number;
  readonly trials: Generator<readonly FixNumber[], Sifted<R>, TrialShown<R>>;
  trial: readonly FixNumber[];
  outcome: Sifted<R> | undefined;
}

class Search<R> {
  readonly #attempts: Attempts<R>;
  readonly #out = new Map<FixNumber, TakenOut<R>>();
  readonly #undecided = new Map<FixNumber, readonly R[]>();
  /** How far the suspects of a fault are taken: an index into its lists, or beyond them for all fixes. */
  readonly #widths = new Map<string, number>();
  #kept: readonly FixNumber[];

  constructor(fixes: readonly FixNumber[], attempts: Attempts<R>) {
    this.#kept = fixes;
    this.#attempts = attempts;
  }

  async run(): Promise<SafeSet<R>> {
    for (;;) {
      await this.#takeOut();
      if (await this.#bringBack()) continue;
      const needs = await this.#needs();
      if (await this.#bringBackTogether(needs)) continue;
      const out = new Map<FixNumber, WhyOut<R>>();
      for (const [fix, reasons] of this.#undecided) out.set(fix, { kind: "undecided", reasons });
      for (const [fix, { faults }] of this.#out) {
        const [fixes = [], reasons] = [needs.get(fix), reasonsOf(faults)];
        out.set(fix, fixes.length > 0 ? { kind: "needs", fixes, reasons } : { kind: "refused", reasons });
      }
      return { kept: this.#kept, out, attempts: this.#attempts.made };
    }
  }

  /** Takes fixes out until what is kept is safe. */
  async #takeOut(): Promise<void> {
    let isLast = false;
    for (;;) {
      const tried = await this.#attempts.of(this.#kept);
      if (tried?.faults.length === 0) return;
      if (tried === undefined) {
        if (isLast) return this.#giveUp(this.#kept, []);
        isLast = true;
        this.#attempts.allow(LAST_ATTEMPTS);
        continue;
      }
      const groups = this.#groupsOf(tried);
      if (isLast || !(await this.#siftAll(groups)))
        for (const group of groups) this.#giveUp(group.members, reasonsOf(this.#of(group, tried).faults));
    }
  }

  #giveUp(fixes: Iterable<FixNumber>, reasons: readonly R[]): void {
    const gone = new Set(fixes);
    for (const fix of gone) if (!this.#out.has(fix)) this.#undecided.set(fix, reasons);
    this.#kept = this.#kept.filter((fix) => !gone.has(fix));
  }

  /** Joins the faults of an attempt that share a suspect. */
  #groupsOf(tried: Tried<R>): readonly Group<R>[] {
    const found: { members: Set<FixNumber>; keys: Set<string>; stage: number }[] = [];
    for (const fault of tried.faults) {
      const joined = { members: this.#suspectsOf(fault), keys: new Set([fault.key]), stage: fault.stage };
      for (const other of [...found]) {
        if (![...other.members].some((fix) => joined.members.has(fix))) continue;
        for (const fix of other.members) joined.members.add(fix);
        for (const key of other.keys) joined.keys.add(key);
        joined.stage = Math.max(joined.stage, other.stage);
        found.splice(found.indexOf(other), 1);
      }
      found.push(joined);
    }
    return found.map((group) => {
      const trials = sift(
        [...group.members].sort((a, b) => a - b),
        this.#of(group, tried),
      );
      const first = trials.next();
      const [trial, outcome] = first.done ? [[], first.value] : [first.value, undefined];
      return { ...group, trials, trial, outcome };
    });
  }

  #suspectsOf({ key, suspects }: Fault<R>): Set<FixNumber> {
    const kept = new Set(this.#kept);
    for (const some of suspects.slice(this.#widths.get(key) ?? 0)) {
      const left = some.filter((fix) => kept.has(fix));
      if (left.length > 0) return new Set(left);
    }
    return kept;
  }

  /** Returns what an attempt showed of a group. An attempt that ended before the group's stage shows the fault that ended it. */
  #of(
    { members, keys, stage }: Pick<Group<R>, "members" | "keys" | "stage">,
    tried: Tried<R>,
  ): TrialShown<R> {
    const concerns = ({ key, suspects: [first = []] }: Fault<R>): boolean =>
      keys.has(key) || first.some((fix) => members.has(fix));
    const faults = tried.faults.filter(concerns);
    return { tried, faults: faults.length === 0 && tried.stage < stage ? tried.faults : faults };
  }

  /** Sifts groups, a trial of each at a time. @returns false if no attempts are left. */
  async #siftAll(groups: readonly Group<R>[]): Promise<boolean> {
    const suspected = new Set(groups.flatMap(({ members }) => [...members]));
    const others = this.#kept.filter((fix) => !suspected.has(fix));
    while (groups.some(({ outcome }) => outcome === undefined)) {
      const tried = await this.#attempts.of([...others, ...groups.flatMap(({ trial }) => trial)]);
      if (tried === undefined) return false;
      for (const group of groups) {
        if (group.outcome !== undefined) continue;
        const next = group.trials.next(this.#of(group, tried));
        if (next.done) {
          group.outcome = next.value;
          const gone = new Set(next.value.out.map(({ fix }) => fix));
          group.trial = [...group.members].filter((fix) => !gone.has(fix));
        } else group.trial = next.value;
      }
    }
    for (const { outcome, keys } of groups) {
      if (outcome?.isToBlame === false)
        for (const key of keys) this.#widths.set(key, (this.#widths.get(key) ?? 0) + 1);
      for (const taken of outcome?.out ?? []) this.#out.set(taken.fix, taken);
    }
    this.#kept = this.#kept.filter((fix) => !this.#out.has(fix));
    return true;
  }

  /**
   * Tries to add what may be innocent: a fix that is kept may have been missing when it was taken out.
   * @returns true if anything is kept again.
   */
  async #bringBack(): Promise<boolean> {
    const doubtful = [...this.#out.keys()].filter((fix) => this.#isDoubtful(fix));
    let isMore = false;
    for (const fix of doubtful.sort((a, b) => a - b)) {
      const tried = await this.#attempts.of([...this.#kept, fix]);
      if (tried === undefined) break;
      if (tried.faults.length > 0) {
        this.#out.set(fix, { ...(this.#out.get(fix) as TakenOut<R>), tried, faults: tried.faults });
        continue;
      }
      this.#out.delete(fix);
      this.#kept = [...this.#kept, fix].sort((a, b) => a - b);
      isMore = true;
    }
    return isMore;
  }

  /**
   * Reports whether a fix may be innocent: in no attempt with everything that is kept was there a fault of which it is
   * the only suspect that is not kept.
   */
  #isDoubtful(fix: FixNumber): boolean {
    const those = new Set([...this.#kept, fix]);
    const isOfIt = ({ suspects: [first = []] }: Fault<R>): boolean =>
      first.includes(fix) && first.every((one) => those.has(one));
    return !this.#attempts.all.some(
      ({ fixes, faults }) => [...those].every((one) => fixes.has(one)) && faults.some(isOfIt),
    );
  }

  /** Returns the fixes that each one needs of those that were taken out. */
  async #needs(): Promise<ReadonlyMap<FixNumber, readonly FixNumber[]>> {
    const gone = new Set([...this.#out.keys(), ...this.#undecided.keys()]);
    const needs = new Map<FixNumber, readonly FixNumber[]>();
    for (const [fix, taken] of this.#out)
      needs.set(fix, await findNeeded(taken, this.#kept, gone, this.#attempts));
    return needs;
  }

  /** Tries to add fixes together with those that they need: none of them can be added alone. */
  async #bringBackTogether(needs: ReadonlyMap<FixNumber, readonly FixNumber[]>): Promise<boolean> {
    for (const [fix, fixes] of needs) {
      if (fixes.length === 0) continue;
      const tried = await this.#attempts.of([...this.#kept, ...fixes, fix]);
      if (tried?.faults.length !== 0) continue;
      for (const one of [fix, ...fixes]) {
        this.#out.delete(one);
        this.#undecided.delete(one);
      }
      this.#kept = [...tried.fixes];
      return true;
    }
    return false;
  }
}

const reasonsOf = <R>(faults: readonly Fault<R>[]): readonly R[] => faults.map(({ reason }) => reason);
