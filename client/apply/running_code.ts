import type { BuildId } from "../../shared/brand.ts";
import type { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { KernelLandmarks, TextMemory } from "../../shared/runpre/fingerprint.ts";
import type { LoadedPatch } from "../engines/engine.ts";

/** The code of the running kernel, with what is needed to compare an update with it. */
export interface RunningCode {
  readonly landmarks: KernelLandmarks;
  readonly memory: TextMemory;
  /** All updates that the feed has for this kernel. */
  readonly updates: readonly Update[];
  /** All patches that the kernel lists, including those of other vendors. */
  readonly loaded: readonly LoadedPatch[];
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** The result of comparing one target object of an update with the running code. */
export type ObjectMatch =
  | { readonly outcome: "match"; readonly functions: number; readonly bytes: number }
  | { readonly outcome: "mismatch"; readonly error: RebootlessError }
  /** The module of this name that is loaded is not the build that the update was made for. */
  | { readonly outcome: "other_build"; readonly wanted: BuildId; readonly found: BuildId | undefined }
  | { readonly outcome: "not_loaded" };
