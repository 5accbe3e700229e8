import type { BuildId } from "../../shared/brand.ts";
import type { Current } from "./current.ts";
import type { Proposed } from "./proposal.ts";

/**
 * A change of one kernel's feed. It is computed only when it is processed, because thousands of manifests do
 * not fit in memory.
 */
export interface KernelChange {
  readonly buildId: BuildId;
  /** The approximate size of the next manifest, in bytes. */
  readonly size: number;
  /**
   * Applies the change to the state that the feed has now. This is done again whenever someone else published
   * in between.
   */
  on(current: Current): Promise<Next>;
}

/** The next state of a kernel's feed. */
export interface Next {
  readonly proposed: Proposed;
  /** True if the state in force already says the same, so that there is nothing to sign. */
  readonly inForce: boolean;
}
