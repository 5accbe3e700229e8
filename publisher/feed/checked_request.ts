import { RebootlessError } from "../../shared/errors.ts";
import type { Envelope } from "../../shared/tuf/schema.ts";
import type { SigningQuorum } from "./signatures.ts";

/** A request that was understood to the last byte, and what it means. */
export interface CheckedRequest {
  /**
   * The difference between what will be signed and what is in force, one line for each change, safe to print
   * on a terminal.
   */
  readonly diff: readonly string[];
  /** The reasons why it must neither be signed nor published. */
  readonly faults: readonly string[];
  /** Other reasons that speak against signing it. */
  readonly warnings: readonly string[];
  readonly envelope: Envelope;
  readonly quorums: readonly SigningQuorum[];
}

/**
 * Refuses a request with faults, which would do harm in force no matter who signs it.
 *
 * @throws RebootlessError `trust`.
 */
export function requireFaultless({ faults: [fault] }: Pick<CheckedRequest, "faults">): void {
  if (fault === undefined) return;
  throw new RebootlessError("trust", `this must not be signed: ${fault}`, {
    hint: "Make a new request.",
  });
}
