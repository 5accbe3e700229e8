import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import type { SourceRefusal } from "./source/source_refusal.ts";

const OF_THE_PATCH: ReadonlySet<ErrorCode> = new Set(["limit", "unsupported", "not_live"]);

/**
 * Returns an error about what a patch compiles to as a refusal of the patch.
 * @param subject what the error is about.
 * @throws the error itself if it is about anything else, such as a file that cannot be read.
 */
export function refusedBy(error: unknown, subject: string): SourceRefusal {
  if (!(error instanceof RebootlessError && OF_THE_PATCH.has(error.code))) throw error;
  const { message, hint = "Make a smaller patch, which leaves this out." } = error;
  return { code: "unsupported", subject, reason: message, advice: hint };
}
