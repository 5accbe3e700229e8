import type { BuildId } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";
import type { Limit, LimitName } from "./limits.ts";
import type { Answered, Order, PublishOutcome, RenewOutcome } from "./repository.ts";

/** Everything that changes a feed goes through here: a line for each kernel, and one for the root. */
export interface PublisherQueue {
  publish(order: Order): Promise<readonly Answered[]>;
  /** @param roots versions that follow each other: one, or several that were lost here. */
  publishRoot(by: string, roots: readonly Uint8Array[]): Promise<PublishOutcome>;
  renew(id: BuildId): Promise<RenewOutcome>;
}

/** Remembers which tokens were used, and how much of its limits each publisher has left. */
export interface TokenLedger {
  /** Takes one of a limit for a token that comes the first time; of one that comes again, or past the limit, it keeps nothing. */
  spend(token: SpentToken, name: LimitName, limit: Limit): Promise<Spent>;
}

export interface SpentToken {
  readonly publisher: string;
  readonly id: string;
  /** When it is no longer accepted anyway and may be forgotten. */
  readonly until: Instant;
}

export type Spent =
  | { readonly kind: "first" | "used" }
  /** @property wait milliseconds. The token is still good then, if it lives. */
  | { readonly kind: "over_limit"; readonly wait: number };
