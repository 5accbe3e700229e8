import type { ObjectName } from "../../shared/brand.ts";

/** A patch that the kernel knows. */
export interface LoadedPatch {
  /** As the kernel has it: a foreign patch may be called anything. */
  readonly name: string;
  /** `applied`: in force everywhere. `transition`: on its way in or out. `disabled`: loaded, not in force. */
  readonly state: "applied" | "transition" | "disabled";
  /** What it replaces, as `object/function,position`, sorted. */
  readonly functions: readonly string[];
}

export type ApplyOutcome =
  | { readonly outcome: "applied"; readonly milliseconds: number }
  /** The kernel would not load the module. */
  | { readonly outcome: "refused"; readonly reason: string }
  /** The transition did not end in time. `reversed`: everything is as before. */
  | { readonly outcome: "stalled"; readonly blockedBy: readonly Task[]; readonly reversed: boolean };

export type UndoOutcome =
  | { readonly outcome: "undone"; readonly milliseconds: number }
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "stalled"; readonly blockedBy: readonly Task[] };

/** A task that keeps a transition from ending: it sits in a function that is being replaced. */
export interface Task {
  readonly pid: number;
  readonly name: string;
}

/** A way to change a running kernel. */
export interface Engine {
  loaded(): Promise<readonly LoadedPatch[]>;
  /** @param file path of a module whose bytes have been verified. */
  apply(name: ObjectName, file: string): Promise<ApplyOutcome>;
  undo(name: ObjectName): Promise<UndoOutcome>;
}
