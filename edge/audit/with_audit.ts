import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublishOutcome } from "../publish/outcome.ts";
import type { AuditEvent, AuditOutcome } from "./event.ts";
import type { AuditLog } from "./log.ts";

interface AuditDeps {
  readonly audit: AuditLog;
  readonly report: (error: unknown) => void;
}

/** What became of one kernel, or of the root. */
interface Result {
  readonly buildId: BuildId | null;
  readonly outcome: PublishOutcome;
}

/**
 * Writes to the audit log what is asked for, does it, and writes what came of it for each kernel. Where the request cannot
 * be written, nothing is done. Where the outcomes cannot be written, what was done stays done: a request without an outcome
 * tells the readers of the log to look into it.
 *
 * @param request its `kernel` is null where it is for several.
 * @throws RebootlessError `config` where the request cannot be written.
 */
export async function withAudit<T extends Result>(
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
  const appendOutcomes = (events: readonly AuditEvent[]) => audit.append(events).catch(report);
  try {
    const done = await work();
    await appendOutcomes(
      done.map(({ buildId, outcome }) => ({ ...request, kernel: buildId, outcome: outcomeOf(outcome) })),
    );
    return done;
  } catch (error) {
    await appendOutcomes([{ ...request, outcome: failureOf(error) }]);
    throw error;
  }
}

function outcomeOf(done: PublishOutcome): AuditOutcome {
  switch (done.kind) {
    case "published":
      return { kind: "published", version: done.version, feed: done.etag };
    case "conflict":
      return { kind: "conflict", version: done.current };
    case "refused":
      return { kind: "refused", code: done.reason, message: done.message };
    case "misconfigured":
      return { kind: "failed", code: "config", message: done.message };
    case "acceptable": // the outcome of a dry run, which is not recorded
    case "failed":
      return INTERNAL;
  }
}

const INTERNAL: AuditOutcome = {
  kind: "failed",
  code: "internal",
  message: "something went wrong at the edge",
};

/** Returns the outcome for an error. Only one that was thrown on purpose and is not the store's says what was wrong with the request. */
function failureOf(error: unknown): AuditOutcome {
  if (error instanceof RebootlessError && error.code !== "io") {
    return { kind: "refused", code: error.code, message: error.message };
  }
  return INTERNAL;
}
