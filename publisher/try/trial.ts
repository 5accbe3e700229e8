/** What is done in a guest, in this order. `exercise_before` is done in a guest of its own, which it may bring down. */
export const STEPS = [
  "exercise_before",
  "boot",
  "load_before",
  "set_up",
  "match",
  "apply",
  "load",
  "exercise",
  "undo",
  "apply_again",
  "load_again",
] as const;
export type StepName = (typeof STEPS)[number];

/** How a step ended: by its exit code, not in its time, or with the guest's end. */
export type StepEnd =
  | { readonly kind: "exit"; readonly code: number; readonly said: string }
  | { readonly kind: "late"; readonly said: string }
  | { readonly kind: "down"; readonly said: string };

/** What the kernel of a guest is like. */
export interface GuestState {
  /** The value of /proc/sys/kernel/tainted. */
  readonly taint: number;
  /** The names of the loaded modules. */
  readonly modules: readonly string[];
  /** The live patches of /sys/kernel/livepatch. */
  readonly patches: readonly string[];
}

/** One step that was taken, and what there was to see after it. */
export interface StepRecord {
  readonly step: StepName;
  readonly ms: number;
  readonly end: StepEnd;
  /** What the kernel logged meanwhile. */
  readonly log: string;
  /** Undefined if the guest could not be asked. */
  readonly state: GuestState | undefined;
}

/** An update that the host's client applied or took out, and the time that it says it took. */
export interface TimedChange {
  readonly id: string;
  readonly did: "applied" | "undone";
  readonly ms: number;
}
