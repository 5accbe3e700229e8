import { hasErrno } from "../../node/errno.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";

/** The result of one check. `fail` means that updates cannot be applied on this host in its present state. */
export interface CheckResult {
  readonly check: string;
  readonly verdict: "ok" | "warn" | "fail";
  readonly says: string;
  readonly hint: string | undefined;
}

/** A check of one thing that decides whether a host can be patched. */
export interface Check {
  readonly name: string;
  /** Makes the check. An error that it throws is a result too. */
  readonly look: () => Promise<CheckOutcome>;
}

export type CheckOutcome = Omit<CheckResult, "check">;

export const ok = (says: string): CheckOutcome => ({ verdict: "ok", says, hint: undefined });
export const warn = (says: string, hint: string): CheckOutcome => ({ verdict: "warn", says, hint });
export const fail = (says: string, hint?: string): CheckOutcome => ({ verdict: "fail", says, hint });

/** Makes the checks one after the other: they read the same few files, and people read their results in order. */
export async function runChecks(checks: readonly Check[]): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, look } of checks) {
    const verdict = await look().catch(failedCheck);
    results.push({ check: name, ...verdict });
  }
  return results;
}

/** Makes a failed check of an error, because an update would fail in the same way. */
function failedCheck(error: unknown): CheckOutcome {
  if (error instanceof RebootlessError) return fail(error.message, error.hint);
  if (hasErrno(error, "EACCES", "EPERM", "EIO"))
    return fail(`this cannot be checked: ${String(error)}`, "Run as root.");
  throw error;
}

export const checkResultToJson = ({ check, verdict, says, hint }: CheckResult): JsonObject =>
  jsonObject({ check, verdict, says, hint });
