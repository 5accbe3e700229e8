import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import type { RebootlessError } from "../../shared/errors.ts";
import type { LeftOut } from "../plan/order.ts";

/** What became of one update in a run. */
export type Result =
  | {
      readonly id: UpdateId;
      readonly result: "applied";
      readonly milliseconds: number;
      /** Objects that are not loaded: they are matched when they are. */
      readonly pending: readonly ObjectName[];
      /** Patches that went out of force with it. */
      readonly replaced: readonly string[];
    }
  /** Everything short of loading was done and holds (`--dry-run`). */
  | {
      readonly id: UpdateId;
      readonly result: "would_apply";
      readonly pending: readonly ObjectName[];
      readonly replaced: readonly string[];
    }
  | { readonly id: UpdateId; readonly result: "undone"; readonly milliseconds: number; readonly why: string }
  | { readonly id: UpdateId; readonly result: "would_undo"; readonly why: string }
  /** A run before this one was killed in the middle: `applied` says where the update ended up. */
  | { readonly id: UpdateId; readonly result: "settled"; readonly applied: boolean }
  /** Objects that were pending are loaded and are what they should be. */
  | { readonly id: UpdateId; readonly result: "matched"; readonly objects: readonly ObjectName[] }
  /** It was recalled, and the policy is to keep it. */
  | { readonly id: UpdateId; readonly result: "kept"; readonly why: string }
  | { readonly id: UpdateId; readonly result: "failed"; readonly error: RebootlessError }
  | { readonly id: UpdateId; readonly result: "left_out"; readonly why: LeftOut };

export type Report = (result: Result) => Promise<void>;
