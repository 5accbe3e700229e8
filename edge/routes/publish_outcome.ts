import type { ErrorCode } from "../../shared/errors.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { jsonAnswer } from "../http/answer.ts";
import { type ProblemCode, problem } from "../http/problem.ts";
import type { KernelOutcome, PublishOutcome } from "../publish/outcome.ts";

/** An outcome in the words of the wire: alone it is an answer of its own, of many it is one of an answer's results. */
type EncodedOutcome = Success | Failure;

interface Encoded {
  /** The HTTP status of an answer that has this outcome alone. */
  readonly status: number;
  /** The name of the outcome in a result of a batch. */
  readonly outcome: string;
}

interface Success extends Encoded {
  readonly code: undefined;
  readonly members: Readonly<Record<string, JsonValue>>;
}

interface Failure extends Encoded {
  /** The code of the outcome in a problem. */
  readonly code: ProblemCode;
  readonly members: ProblemMembers;
}

type ProblemMembers = {
  readonly message: string;
  readonly version?: number;
  readonly reason?: ErrorCode;
  readonly hint?: string;
};

/** Returns the answer to a request whose only outcome this is. */
export function outcomeAnswer(outcome: PublishOutcome): Response {
  const { status, code, members } = encodeOutcome(outcome);
  return code === undefined ? jsonAnswer(status, members) : problem(status, { code, ...members });
}

/**
 * Returns the answer to a request for many kernels: 200 whatever the outcomes, with a result for each kernel.
 */
export const outcomesAnswer = (outcomes: readonly KernelOutcome[]): Response =>
  jsonAnswer(200, { results: outcomes.map(resultToJson) });

function resultToJson({ buildId, outcome }: KernelOutcome): JsonObject {
  const encoded = encodeOutcome(outcome);
  return jsonObject({ build_id: buildId, outcome: encoded.outcome, ...encoded.members });
}

function encodeOutcome(outcome: PublishOutcome): EncodedOutcome {
  switch (outcome.kind) {
    case "published": {
      const { version, etag } = outcome;
      return { status: 201, outcome: "published", code: undefined, members: { version, etag } };
    }
    case "acceptable": {
      const { version, missing } = outcome;
      return { status: 200, outcome: "acceptable", code: undefined, members: { version, missing } };
    }
    case "conflict": {
      const { current: version, message } = outcome;
      return { status: 409, outcome: "conflict", code: "conflict", members: { version, message } };
    }
    case "refused": {
      const { reason, message, hint } = outcome;
      const members = { reason, message, ...(hint !== undefined && { hint }) };
      return { status: 422, outcome: "refused", code: "refused", members };
    }
    case "failed":
      return failed("internal", "something went wrong at the edge, whose log says what");
    case "misconfigured":
      return failed("config", outcome.message);
  }
}

const failed = (code: "internal" | "config", message: string): EncodedOutcome => ({
  status: 500,
  outcome: "failed",
  code,
  members: { message },
});
