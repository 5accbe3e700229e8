import { RebootlessError } from "../../shared/errors.ts";
import { printable } from "./printable.ts";

/** Messages quote paths and short pieces of what was read. */
const MAX_MESSAGE = 1000;
const MAX_CAUSES = 8;

/** The same error, whose messages quote what others wrote in a form that a terminal may have. */
export function fitForTerminal(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const cause = depth < MAX_CAUSES ? fitForTerminal(error.cause, depth + 1) : undefined;
  if (error instanceof RebootlessError) {
    return new RebootlessError(error.code, printable(error.message, MAX_MESSAGE), {
      ...(error.hint !== undefined && { hint: printable(error.hint, MAX_MESSAGE) }),
      ...(cause !== undefined && { cause }),
      details: error.details,
      answer: error.answer, // JSON escapes what a terminal must not have
    });
  }
  // A fault of our own is shown with its stack; as a cause it is a line.
  return depth === 0 ? error : new Error(printable(error.message, MAX_MESSAGE), { cause });
}
