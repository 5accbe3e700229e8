import { RebootlessError } from "./errors.ts";
import { excerpt, printable } from "./printable.ts";

/** Messages quote others in short pieces; this bounds what they make of it. */
const MAX_MESSAGE = 2000;
const MAX_CAUSES = 8;
const MAX_LINES = 64;

/**
 * An error in lines that a terminal or a log may have: what it says, what another program said (or, for a fault of our
 * own, where it happened), and what lies behind it.
 */
export function errorLines(error: unknown): readonly string[] {
  if (error instanceof RebootlessError)
    return [excerpt(error.message, MAX_MESSAGE), ...error.output.map(printable), ...causes(error)];
  return [excerpt(String(error), MAX_MESSAGE), ...frames(error), ...causes(error)];
}

/** The lines of a stack below the message, which may hold line ends of its own. */
function frames(error: unknown): readonly string[] {
  if (!(error instanceof Error) || !error.stack?.startsWith(String(error))) return [];
  return error.stack.slice(String(error).length).split("\n").slice(1, MAX_LINES).map(printable);
}

/** What lies behind an error, outermost first, a line each. */
function causes(error: unknown): readonly string[] {
  const lines: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause instanceof Error && lines.length < MAX_CAUSES) {
    lines.push(`  because: ${excerpt(cause.message, MAX_MESSAGE)}`);
    cause = cause.cause;
  }
  return lines;
}
