import { RebootlessError } from "../../shared/errors.ts";
import type { PublishOutcome } from "../publish/repository.ts";
import type { AuditEvent, Outcome } from "./event.ts";
import type { AuditLog } from "./log.ts";

interface AuditDeps {
  readonly audit: AuditLog;
  readonly report: (error: unknown) => void;
}

/**
 * Puts down what is asked for, does it, and puts down what came of it. Where the first cannot be written nothing is done;
 * where the second cannot, what was done stands: the entry that has no outcome says that somebody has to look.
 */
export async function audited(
  { audit, report }: AuditDeps,
  request: Omit<AuditEvent, "outcome">,
  work: () => Promise<PublishOutcome>,
): Promise<PublishOutcome> {
  try {
    await audit.append({ ...request, outcome: { kind: "asked" } });
  } catch (error) {
    report(error);
    return { kind: "misconfigured", message: "the audit log cannot be written, so nothing was published" };
  }
  const end = (outcome: Outcome) => audit.append({ ...request, outcome }).catch(report);
  try {
    const done = await work();
    await end(outcomeOf(done));
    return done;
  } catch (error) {
    await end(failureOf(error));
    throw error;
  }
}

function outcomeOf(done: PublishOutcome): Outcome {
  switch (done.kind) {
    case "published":
      return { kind: "published", version: done.version, feed: done.etag };
    case "conflict":
      return { kind: "conflict", version: done.current };
    case "refused":
      return { kind: "refused", code: done.reason, message: done.message };
    case "misconfigured":
      return { kind: "failed", code: "config", message: done.message };
  }
}

/** What was thrown on purpose is about what was sent, but for trouble with the store; of the rest only the log may know more. */
function failureOf(error: unknown): Outcome {
  if (error instanceof RebootlessError && error.code !== "io") {
    return { kind: "refused", code: error.code, message: error.message };
  }
  return { kind: "failed", code: "internal", message: "something went wrong at the edge" };
}
