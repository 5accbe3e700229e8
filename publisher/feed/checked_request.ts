import { RebootlessError } from "../../shared/errors.ts";
import type { Envelope } from "../../shared/tuf/schema.ts";
import type { SigningQuorum } from "./signatures.ts";

/** A request that was understood to the last byte, and what it means. */
export interface CheckedRequest {
  /** What will be signed against what is in force: a line each, fit for a terminal. */
  readonly diff: readonly string[];
  /** What makes it useless: not to be signed, nor published. */
  readonly faults: readonly string[];
  /** Whatever else speaks against signing it. */
  readonly warnings: readonly string[];
  readonly envelope: Envelope;
  readonly quorums: readonly SigningQuorum[];
}

/** Throws `trust` for what would do harm once it is in force, whoever wants it. */
export function requireFaultless({ faults: [fault] }: Pick<CheckedRequest, "faults">): void {
  if (fault === undefined) return;
  throw new RebootlessError("trust", `this must not be signed: ${fault}`, {
    hint: "The request has to be made anew.",
  });
}
