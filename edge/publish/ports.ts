import type { BuildId } from "../../shared/brand.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import type { Instant } from "../../shared/time.ts";
import type { PublishOutcome, RenewOutcome } from "./repository.ts";

/** Everything that changes a feed goes through here: one queue for each kernel, and one for the root. */
export interface PublisherQueue {
  publish(publication: Publication): Promise<PublishOutcome>;
  publishRoot(bytes: Uint8Array): Promise<PublishOutcome>;
  renew(id: BuildId): Promise<RenewOutcome>;
}

/** Remembers which tokens were used. */
export interface TokenLedger {
  /** True the first time. @param until when the token is no longer accepted anyway and may be forgotten. */
  spend(publisher: string, tokenId: string, until: Instant): Promise<boolean>;
}
