import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublishOutcome } from "../publish/outcome.ts";
import type { AuditEvent, AuditOutcome } from "./event.ts";
import type { AuditLog } from "./log.ts";

interface AuditDeps {
  readonly audit: AuditLog;
  readonly report: (error: unknown) => void;
}

/** The outcome for one kernel, or for the root. */
interface Result {
  readonly buildId: BuildId | null;
  readonly outcome: PublishOutcome;
}

/**
 * Writes a request to the audit log, carries it out, and writes the outcome for each kernel. If the request
 * cannot be written, it is not carried out. If the outcomes cannot be written, the changes stay: a request
 * without an outcome tells the readers of the log to look into it.
 *
 * @param request the request; its `kernel` is null if it is for several.
 * @throws RebootlessError `config` if the request cannot be written.
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

/**
 * Returns the outcome for an error. It says what was wrong with the request only for an error that was thrown
 * on purpose and not by the store.
 */
function failureOf(error: unknown): AuditOutcome {
  if (error instanceof RebootlessError && error.code !== "io") {
    return { kind: "refused", code: error.code, message: error.message };
  }
  return INTERNAL;
}
