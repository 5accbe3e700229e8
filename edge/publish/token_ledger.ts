import type { Instant } from "../../shared/time.ts";
import type { Limit, LimitName } from "./rate_limits.ts";

/** Remembers which tokens were used, and how much of its limits each publisher has left. */
export interface TokenLedger {
  /**
   * Uses up a token and one of a limit. A token that was used before, or one past the limit, changes nothing: past the
   * limit the token can still be used later, as long as it is valid.
   */
  spend(token: SpentToken, name: LimitName, limit: Limit): Promise<Spent>;
}

export interface SpentToken {
  readonly publisher: string;
  readonly id: string;
  /** The time from which on the token is refused for its age, and may be forgotten. */
  readonly until: Instant;
}

export type Spent =
  | { readonly kind: "first" | "used" }
  /** The publisher is over the limit. @property wait the milliseconds until the limit has room again. */
  | { readonly kind: "over_limit"; readonly wait: number };
