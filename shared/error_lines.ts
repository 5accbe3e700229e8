import { RebootlessError } from "./errors.ts";
import { excerpt, printable } from "./printable.ts";

/**
 * The largest length of a message. Messages quote other texts in short pieces, and this bounds the result.
 */
const MAX_MESSAGE = 2000;
const MAX_CAUSES = 8;
const MAX_LINES = 64;

/**
 * Writes an error as lines that are safe for a terminal or a log: its message, then the output of another
 * program (or, for a fault of our own, the place in the code), then its causes.
 */
export function errorLines(error: unknown): readonly string[] {
  if (error instanceof RebootlessError)
    return [excerpt(error.message, MAX_MESSAGE), ...error.output.map(printable), ...causes(error)];
  return [excerpt(String(error), MAX_MESSAGE), ...frames(error), ...causes(error)];
}

/** Returns the stack's lines below the message, which may contain line ends itself. */
function frames(error: unknown): readonly string[] {
  if (!(error instanceof Error) || !error.stack?.startsWith(String(error))) return [];
  return error.stack.slice(String(error).length).split("\n").slice(1, MAX_LINES).map(printable);
}

/** Returns the causes of an error, outermost first, a line each. */
function causes(error: unknown): readonly string[] {
  const lines: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause instanceof Error && lines.length < MAX_CAUSES) {
    lines.push(`  because: ${excerpt(cause.message, MAX_MESSAGE)}`);
    cause = cause.cause;
  }
  return lines;
}
