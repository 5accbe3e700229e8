import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/json.ts";
import { jsonAnswer } from "./answer.ts";
import { Busy } from "./room.ts";

/** Codes of the edge's own beside those that every part shares. */
export type ProblemCode = ErrorCode | "not_found" | "internal" | "busy";

export interface Problem {
  readonly code: ProblemCode;
  /** For people; never what an attacker could use, never a secret. */
  readonly message: string;
  readonly hint?: string | undefined;
  /** On `conflict`: the version in force. */
  readonly version?: number | undefined;
  /** On `refused`: the code of the check that failed. */
  readonly reason?: ErrorCode | undefined;
}

/** `{"error":{"code","message","hint"?,…}}`, never cached. */
export function problem(
  status: number,
  error: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const members = Object.entries(error).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  );
  const answer = jsonAnswer(status, { error: new Map(members) }, headers);
  said.set(answer, error);
  return answer;
}

const said = new WeakMap<Response, Problem>();

/** The problem that an answer tells of; undefined for any other answer. */
export const saidIn = (answer: Response): Problem | undefined => said.get(answer);

export const notFound = (message: string): Response => problem(404, { code: "not_found", message });

/** The answer to an error that was thrown on purpose; undefined for any other, whose text may hold anything. */
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
