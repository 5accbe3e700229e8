/** A small change of ours to the distribution's source, and what must become of it. */
export interface Kind {
  /** What kind of change: a few words for it. */
  readonly kind: string;
  readonly changes: readonly SourceChange[];
  /** C of ours whose functions livepatch calls around the change. */
  readonly hooks?: readonly string[];
  /** Names of types whose layout the author vouches for. */
  readonly layoutOk?: readonly string[];
  /** The only series that has what the change is about; both if it is left out. */
  readonly series?: string;
  readonly expected: Expected;
}

/** Edits to one file, made one after the other. Each must be possible exactly where it says. */
export interface SourceChange {
  readonly source: string;
  readonly edits: readonly Edit[];
}

/** Lines of ours, put before or after the first line that matches `at`, from the first line on that matches `from`. */
export interface Edit {
  readonly from?: RegExp;
  readonly at: RegExp;
  readonly put: "before" | "after" | "instead";
  readonly lines: readonly string[];
}

export type Expected = Made | Unchanged | Refused;

export interface Made {
  readonly outcome: "made";
  /** All functions that are replaced, sorted, where that is the point. Their cold parts go with them. */
  readonly replaces?: readonly string[];
  /** What the report must say. */
  readonly says?: RegExp;
  /** A shell script for the guest. */
  readonly observe?: string;
  /** The output of `observe` while the change is applied. Before and after it must be another. */
  readonly during?: RegExp;
}

export interface Unchanged {
  readonly outcome: "unchanged";
  readonly says?: RegExp;
}

export interface Refused {
  readonly outcome: "refused";
  /** The code of a refusal. */
  readonly code: string;
  /** What the report must say. */
  readonly says?: RegExp;
}
