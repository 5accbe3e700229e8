import type { JsonValue } from "./json_value.ts";

/**
 * Every way in which this project fails on purpose. Codes are stable: scripts match on them, and documents
 * name them.
 * Expected outcomes (no update, a mismatch, not modified) are values and not errors.
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
  | "no_list" // the feed has no list of its kernels, or the list does not end
  | "no_match" // the feed has no kernel that matches a choice
  | "unsupported" // the kernel, image or function is of a kind that is not handled
  | "runpre" // the memory of the kernel differs from what it should be
  | "not_permitted"
  | "apply" // the kernel refused or did not finish
  | "conflict" // another publisher published first
  | "refused" // the edge checked a publish and refused it
  | "not_live" // a change that cannot be made in a running kernel
  | "locked" // another run holds the lock
  | "stopped" // the program was asked to end before it was done
  | "partly_applied" // some updates were applied and some could not be
  | "left_out" // an update that was requested by its id is not applied in the end, though nothing failed
  | "untried" // a draft that was not tried on its kernel, or did not pass
  | "io";

export interface RebootlessErrorOptions {
  /** One sentence that says what the reader can do, shown as `hint:`. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** The last lines of another program's output, shown below the message. */
  readonly output?: readonly string[];
  /** The facts for `--json`: names, offsets, versions. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /**
   * True if stderr has already reported this error. It is then not repeated there; the exit code and `--json`
   * still report it.
   */
  readonly told?: boolean;
  /** The results that were obtained in spite of the error, shown beside `error` with `--json`. */
  readonly answer?: Answer;
}

/** The members of a `--json` object. */
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

/**
 * Reports bytes that do not have the format they should have. The message says what was expected, what was
 * found, and where.
 */
export class ParseError extends RebootlessError {
  constructor(message: string, options: RebootlessErrorOptions = {}) {
    super("parse", message, options);
  }
}

/** Returns a copy of an error with some of its options added or replaced. */
export function restated(error: RebootlessError, more: RebootlessErrorOptions): RebootlessError {
  const { code, message, cause, hint, output, details, answer, told } = error;
  const same = { cause, output, details, answer, told, ...(hint !== undefined && { hint }) };
  return new RebootlessError(code, message, { ...same, ...more });
}

export const isCode = (error: unknown, code: ErrorCode): error is RebootlessError =>
  error instanceof RebootlessError && error.code === code;
