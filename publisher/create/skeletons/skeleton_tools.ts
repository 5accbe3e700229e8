import type { FileChange } from "../source/apply_patch.ts";
import type { Workspace } from "../source/workspace.ts";
import type { UnitPair } from "../unit_pair.ts";

/** What skeletons are made from, and compiled in. */
export interface SkeletonTools {
  readonly workspace: Workspace;
  readonly changes: readonly FileChange[];
  readonly pairs: readonly UnitPair[];
}
