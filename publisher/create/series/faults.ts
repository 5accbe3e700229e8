/** The number of a fix in its series, counted from 0. */
export type FixNumber = number;

/** Something that keeps a set of fixes from being made. */
export interface Fault<R> {
  /** The same in each attempt in which the same thing is at fault. */
  readonly key: string;
  /** The stage at which it was found: see `Attempted`. */
  readonly stage: number;
  /**
   * The fixes of the set that may be to blame: those that are most likely first, then more of them. If it is none of
   * these, it may be any fix of the set.
   */
  readonly suspects: readonly (readonly FixNumber[])[];
  readonly reason: R;
}

/** The outcome of an attempt to make a set of fixes. It can be made if there is no fault. */
export interface Attempted<R> {
  readonly faults: readonly Fault<R>[];
  /** The last stage that was looked at. Where a stage finds faults, later ones may not be looked at. */
  readonly stage: number;
}

/** Tries to make a set of fixes, given in the order of the series. */
export type Attempt<R> = (fixes: readonly FixNumber[]) => Promise<Attempted<R>>;

/** An attempt that was made. */
export interface Tried<R> extends Attempted<R> {
  readonly fixes: ReadonlySet<FixNumber>;
}

/** Attempts that are made once each, and how many more of them are allowed. */
export class Attempts<R> {
  readonly #attempt: Attempt<R>;
  readonly #known = new Map<string, Tried<R>>();
  #left: number;

  constructor(attempt: Attempt<R>, limit: number) {
    this.#attempt = attempt;
    this.#left = limit;
  }

  get made(): number {
    return this.#known.size;
  }

  get all(): readonly Tried<R>[] {
    return [...this.#known.values()];
  }

  /** Allows more attempts. */
  allow(more: number): void {
    this.#left += more;
  }

  /**
   * Returns the outcome for a set, or undefined if it is not known and no attempt is left. No fixes at all are not
   * tried, since there is nothing that could be at fault.
   */
  async of(fixes: Iterable<FixNumber>): Promise<Tried<R> | undefined> {
    const sorted = [...new Set(fixes)].sort((a, b) => a - b);
    if (sorted.length === 0) return { faults: [], stage: Number.POSITIVE_INFINITY, fixes: new Set() };
    const key = sorted.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#left <= 0) return undefined;
    this.#left -= 1;
    const tried = { ...(await this.#attempt(sorted)), fixes: new Set(sorted) };
    this.#known.set(key, tried);
    return tried;
  }
}
