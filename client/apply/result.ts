import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import type { RebootlessError } from "../../shared/errors.ts";
import type { LeftOut } from "../plan/order.ts";

/** The result of a run for one update. */
export type Result =
  | {
      readonly id: UpdateId;
      readonly result: "applied";
      readonly milliseconds: number;
      /** Objects that are not loaded. They are matched when they are loaded. */
      readonly pending: readonly ObjectName[];
      /** The names of patches that it put out of force. */
      readonly replaced: readonly string[];
    }
  /** Everything before loading was done and succeeded (`--dry-run`). */
  | {
      readonly id: UpdateId;
      readonly result: "would_apply";
      readonly pending: readonly ObjectName[];
      readonly replaced: readonly string[];
    }
  | { readonly id: UpdateId; readonly result: "undone"; readonly milliseconds: number; readonly why: string }
  | { readonly id: UpdateId; readonly result: "would_undo"; readonly why: string }
  /** An earlier run was killed while it changed this update. `applied` says whether it is applied now. */
  | { readonly id: UpdateId; readonly result: "settled"; readonly applied: boolean }
  /** Objects that were pending are loaded, and their code is what it should be. */
  | { readonly id: UpdateId; readonly result: "matched"; readonly objects: readonly ObjectName[] }
  /** It was recalled, and the policy keeps it applied. */
  | { readonly id: UpdateId; readonly result: "kept"; readonly why: string }
  | { readonly id: UpdateId; readonly result: "failed"; readonly error: RebootlessError }
  | { readonly id: UpdateId; readonly result: "left_out"; readonly why: LeftOut };

export type Report = (result: Result) => Promise<void>;
