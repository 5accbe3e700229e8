import type { BuildId, Sha256Hex, UpdateId } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";
import type { FollowItem } from "./item.ts";

/** A fix, or a series of fixes, that is made for each kernel that it is meant for. */
export interface FollowedFix {
  /** The ID of its updates. A fix that has changed gets another one. */
  readonly id: UpdateId;
  /** Where it comes from. It stays the same when the fix changes. */
  readonly origin: string;
  readonly kind: "patch" | "series" | "step";
  readonly subject: string;
  readonly cves: readonly string[];
  /** The digest of what it is. Its files lie in a folder of that name. */
  readonly digest: Sha256Hex;
  readonly seen: Instant;
  /** The IDs of its earlier versions, the oldest first. */
  readonly supersedes: readonly UpdateId[];
  /** True once a newer version has taken its place. */
  readonly retired: boolean;
  /** The two source packages, if it is the step between them. It is meant for the kernels of the first one. */
  readonly step?: SourceStep;
}

/** The digests of two source packages. */
export interface SourceStep {
  readonly from: Sha256Hex;
  readonly to: Sha256Hex;
}

/** How far a branch of a local clone has been read. */
export interface CloneNote {
  readonly repository: string;
  readonly branch: string;
  readonly commit: string;
}

/** All that a run has to know of earlier ones. */
export interface FollowState {
  readonly clones: readonly CloneNote[];
  readonly fixes: readonly FollowedFix[];
  readonly items: readonly FollowItem[];
}

export const NO_FOLLOW_STATE: FollowState = { clones: [], fixes: [], items: [] };

/** Finds an item by its fix and kernel. */
export const itemOf = ({ items }: FollowState, fix: UpdateId, kernel: BuildId): FollowItem | undefined =>
  items.find((item) => item.fix === fix && item.kernel === kernel);

/** Returns the state with an item replaced. */
export const withItem = (state: FollowState, changed: FollowItem): FollowState => ({
  ...state,
  items: state.items.map((item) =>
    item.fix === changed.fix && item.kernel === changed.kernel ? changed : item,
  ),
});
