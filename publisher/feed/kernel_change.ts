import type { BuildId } from "../../shared/brand.ts";
import type { Current } from "./current.ts";
import type { Proposed } from "./proposal.ts";

/** What is to become of one kernel's feed, worked out when its turn comes: thousands do not fit in memory. */
export interface KernelChange {
  readonly buildId: BuildId;
  /** Bytes of the next manifest, about. */
  readonly size: number;
  /** Puts it on top of what the feed has now; again whenever somebody else published in between. */
  on(current: Current): Promise<Next>;
}

/** What follows what is in force. */
export interface Next {
  readonly proposed: Proposed;
  /** What is in force says it all already: there is nothing to sign. */
  readonly inForce: boolean;
}
