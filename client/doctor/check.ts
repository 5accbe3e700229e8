import { hasErrno } from "../../node/errno.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";

/** What one check found. `fail`: updates cannot be applied here as things are. */
export interface CheckResult {
  readonly check: string;
  readonly verdict: "ok" | "warn" | "fail";
  readonly says: string;
  readonly hint: string | undefined;
}

/** One thing that decides whether a host can be patched. */
export interface Check {
  readonly name: string;
  /** What it finds; what it throws is a result too. */
  readonly look: () => Promise<CheckOutcome>;
}

export type CheckOutcome = Omit<CheckResult, "check">;

export const ok = (says: string): CheckOutcome => ({ verdict: "ok", says, hint: undefined });
export const warn = (says: string, hint: string): CheckOutcome => ({ verdict: "warn", says, hint });
export const fail = (says: string, hint?: string): CheckOutcome => ({ verdict: "fail", says, hint });

/** One after the other: what they look at is the same few files, and people read them in order. */
export async function runChecks(checks: readonly Check[]): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, look } of checks) {
    const verdict = await look().catch(unableToTell);
    results.push({ check: name, ...verdict });
  }
  return results;
}

/** What cannot be told is as bad as what is wrong: the update would meet it too. */
function unableToTell(error: unknown): CheckOutcome {
  if (error instanceof RebootlessError) return fail(error.message, error.hint);
  if (hasErrno(error, "EACCES", "EPERM", "EIO")) return fail(`cannot look: ${String(error)}`, "Run as root.");
  throw error;
}

export const checkResultToJson = ({ check, verdict, says, hint }: CheckResult): JsonObject =>
  jsonObject({ check, verdict, says, hint });
