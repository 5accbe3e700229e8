import type { JsonValue } from "./json_value.ts";

/**
 * Every way this project fails on purpose. A code is stable: scripts match on it, documents name it.
 * Expected outcomes (no update, mismatch, not modified) are values, not errors.
 */
export type ErrorCode =
  | "usage"
  | "config"
  | "parse" // bytes that are not what their format says
  | "limit" // a named limit was exceeded
  | "unreachable" // the feed did not answer, or answered with something other than the file
  | "trust" // metadata or an artifact that does not verify
  | "expired" // verified, but past its expiry
  | "clock" // this host's clock cannot be right
  | "rollback" // verified, but older than what was seen before
  | "not_covered" // the feed has nothing for this kernel
  | "no_list" // the feed has no list of its kernels, or none that ends
  | "no_match" // the feed has no kernel of a choice
  | "unsupported" // the kernel, image or function is of a kind that is not handled
  | "runpre" // what is in memory is not what it should be
  | "not_permitted"
  | "apply" // the kernel refused or did not finish
  | "conflict" // somebody else published first
  | "refused" // the edge checked a publish and would not have it
  | "not_live" // a change that cannot be brought to a running kernel
  | "locked" // another run holds the lock
  | "stopped" // asked to end before it was through
  | "partly_applied" // some updates were applied and some could not be
  | "left_out" // an update that was asked for by its id is not applied in the end, though nothing failed
  | "io";

export interface RebootlessErrorOptions {
  /** What the reader can do about it: one sentence, shown as `hint:`. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** The last lines of what another program said, shown beneath the message. */
  readonly output?: readonly string[];
  /** Facts for `--json`: names, offsets, versions. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /** Whoever reads stderr was told of it before, and is not told again: the exit code and `--json` say it. */
  readonly told?: boolean;
  /** What was found out or done all the same: stands beside `error` with `--json`. */
  readonly answer?: Answer;
}

/** Members of a `--json` object. */
export type Answer = Readonly<Record<string, JsonValue | undefined>>;

/** An error with a stable code, a sentence for people, a hint and its cause. */
export class RebootlessError extends Error {
  override readonly name = "RebootlessError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly output: readonly string[];
  readonly details: Readonly<Record<string, string | number | boolean>>;
  readonly answer: Answer;
  readonly told: boolean;

  constructor(code: ErrorCode, message: string, options: RebootlessErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.output = options.output ?? [];
    this.details = options.details ?? {};
    this.answer = options.answer ?? {};
    this.told = options.told ?? false;
  }
}

/** Bytes that are not what their format says they are. Message: what was expected, what was there, where. */
export class ParseError extends RebootlessError {
  constructor(message: string, options: RebootlessErrorOptions = {}) {
    super("parse", message, options);
  }
}

/** The same error, with more or other things told of it. */
export function restated(error: RebootlessError, more: RebootlessErrorOptions): RebootlessError {
  const { code, message, cause, hint, output, details, answer, told } = error;
  const same = { cause, output, details, answer, told, ...(hint !== undefined && { hint }) };
  return new RebootlessError(code, message, { ...same, ...more });
}

export const isCode = (error: unknown, code: ErrorCode): error is RebootlessError =>
  error instanceof RebootlessError && error.code === code;
