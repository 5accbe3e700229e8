import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublishOutcome } from "../publish/repository.ts";
import type { AuditEvent, Outcome } from "./event.ts";
import type { AuditLog } from "./log.ts";

interface AuditDeps {
  readonly audit: AuditLog;
  readonly report: (error: unknown) => void;
}

/** What became of one kernel, or of the root. */
interface Done {
  readonly buildId: BuildId | null;
  readonly outcome: PublishOutcome;
}

/**
 * Puts down what is asked for, does it, and puts down what came of it, for each kernel. Where the first cannot be written
 * nothing is done (throws `config`); where the second cannot, what was done stands: a request without an outcome says that
 * somebody has to look.
 *
 * @param request its kernel is null where it is for several.
 */
export async function audited<T extends Done>(
  { audit, report }: AuditDeps,
  request: Omit<AuditEvent, "outcome">,
  work: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    await audit.append([{ ...request, outcome: { kind: "asked" } }]);
  } catch (cause) {
    report(cause);
    const message = "the audit log cannot be written, so nothing was published";
    throw new RebootlessError("config", message, { cause });
  }
  const end = (events: readonly AuditEvent[]) => audit.append(events).catch(report);
  try {
    const done = await work();
    await end(
      done.map(({ buildId, outcome }) => ({ ...request, kernel: buildId, outcome: outcomeOf(outcome) })),
    );
    return done;
  } catch (error) {
    await end([{ ...request, outcome: failureOf(error) }]);
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
    case "acceptable": // of a dry run, which nobody puts down
    case "failed":
      return INTERNAL;
  }
}

const INTERNAL: Outcome = { kind: "failed", code: "internal", message: "something went wrong at the edge" };

/** What was thrown on purpose is about what was sent, but for trouble with the store; of the rest only the log may know more. */
function failureOf(error: unknown): Outcome {
  if (error instanceof RebootlessError && error.code !== "io") {
    return { kind: "refused", code: error.code, message: error.message };
  }
  return INTERNAL;
}
