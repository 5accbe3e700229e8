import type { BuildId } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";
import type { Answered, Order, PublishOutcome, RenewOutcome } from "./repository.ts";

/** Everything that changes a feed goes through here: a line for each kernel, and one for the root. */
export interface PublisherQueue {
  publish(order: Order): Promise<readonly Answered[]>;
  publishRoot(by: string, bytes: Uint8Array): Promise<PublishOutcome>;
  renew(id: BuildId): Promise<RenewOutcome>;
}

/** Remembers which tokens were used. */
export interface TokenLedger {
  /** True the first time. @param until when the token is no longer accepted anyway and may be forgotten. */
  spend(publisher: string, tokenId: string, until: Instant): Promise<boolean>;
}
