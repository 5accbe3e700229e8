import { hasErrno } from "../../node/errno.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";

/** What one check found. `fail`: updates cannot be applied here as things are. */
export interface Finding {
  readonly check: string;
  readonly verdict: "ok" | "warn" | "fail";
  readonly says: string;
  readonly hint: string | undefined;
}

/** One thing that decides whether a host can be patched. */
export interface Check {
  readonly name: string;
  /** What it finds; what it throws is a finding too. */
  readonly look: () => Promise<Verdict>;
}

export type Verdict = Omit<Finding, "check">;

export const ok = (says: string): Verdict => ({ verdict: "ok", says, hint: undefined });
export const warn = (says: string, hint: string): Verdict => ({ verdict: "warn", says, hint });
export const fail = (says: string, hint?: string): Verdict => ({ verdict: "fail", says, hint });

/** One after the other: what they look at is the same few files, and people read them in order. */
export async function examine(checks: readonly Check[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { name, look } of checks) {
    const verdict = await look().catch(unableToTell);
    findings.push({ check: name, ...verdict });
  }
  return findings;
}

/** What cannot be told is as bad as what is wrong: the update would meet it too. */
function unableToTell(error: unknown): Verdict {
  if (error instanceof RebootlessError) return fail(error.message, error.hint);
  if (hasErrno(error, "EACCES", "EPERM", "EIO")) return fail(`cannot look: ${String(error)}`, "Run as root.");
  throw error;
}

export const findingToJson = ({ check, verdict, says, hint }: Finding): JsonObject =>
  jsonObject({ check, verdict, says, hint });
