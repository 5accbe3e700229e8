import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/json.ts";
import { jsonAnswer } from "./answer.ts";
import { Busy } from "./memory_budget.ts";

/** The codes of errors, and three of the edge's own. */
export type ProblemCode = ErrorCode | "not_found" | "internal" | "busy";

export interface Problem {
  readonly code: ProblemCode;
  /** A message for people. It holds no secret, and nothing that helps an attacker. */
  readonly message: string;
  readonly hint?: string | undefined;
  /** The version in force; for `conflict`. */
  readonly version?: number | undefined;
  /** The code of the check that failed; for `refused`. */
  readonly reason?: ErrorCode | undefined;
}

/** Answers with `{"error":{"code","message","hint"?,…}}`, which must not be cached. */
export function problem(
  status: number,
  error: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const members = Object.entries(error).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  );
  const answer = jsonAnswer(status, { error: new Map(members) }, headers);
  problems.set(answer, error);
  return answer;
}

const problems = new WeakMap<Response, Problem>();

/** Returns the problem that an answer was made from; undefined for any other answer. */
export const problemIn = (answer: Response): Problem | undefined => problems.get(answer);

export const notFound = (message: string): Response => problem(404, { code: "not_found", message });

/** Returns the answer to an error that was thrown on purpose; undefined for any other, whose text may hold anything. */
export function problemOf(error: unknown): Response | undefined {
  if (error instanceof Busy) {
    return problem(503, { code: "busy", message: error.message }, { "Retry-After": "2" });
  }
  if (!(error instanceof RebootlessError)) return undefined;
  const status = STATUS[error.code];
  return status === undefined
    ? undefined
    : problem(status, { code: error.code, message: error.message, hint: error.hint });
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  parse: 400,
  limit: 413,
  not_permitted: 403,
  config: 500,
};
