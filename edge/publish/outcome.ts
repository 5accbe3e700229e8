import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";

/** The outcome of a publish of one kernel, or of the root. */
export type PublishOutcome =
  /**
   * A dry run found that a publish would succeed.
   * @property missing the artifacts that have to be staged first.
   */
  | { readonly kind: "acceptable"; readonly version: number; readonly missing: readonly Sha256Hex[] }
  /**
   * The publish is in force.
   * @property etag the ETag of the new feed.json, as its header has it; null for a root.
   */
  | { readonly kind: "published"; readonly version: number; readonly etag: string | null }
  | { readonly kind: "conflict"; readonly message: string; readonly current: number }
  /** An error that was not thrown on purpose; the detail is for the log. */
  | { readonly kind: "failed"; readonly detail: string }
  | RefusedOutcome
  | MisconfiguredOutcome;

export type RenewOutcome =
  | { readonly kind: "renewed" | "not_due" | "unknown" }
  | RefusedOutcome
  | MisconfiguredOutcome;

export interface RefusedOutcome {
  readonly kind: "refused";
  readonly reason: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** The outcome if the deployment is at fault, and nothing is wrong with the request. */
export interface MisconfiguredOutcome {
  readonly kind: "misconfigured";
  readonly message: string;
}

/** The outcome for one kernel of a request. */
export interface KernelOutcome {
  readonly buildId: BuildId;
  readonly outcome: PublishOutcome;
}

/**
 * Turns errors that were thrown on purpose into outcomes: an outcome can cross the boundary of a Durable Object, where
 * errors lose their class. Everything else is thrown on, errors of the store among it.
 */
export async function outcomeOf<T>(
  work: () => Promise<T>,
): Promise<T | RefusedOutcome | MisconfiguredOutcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RebootlessError) || error.code === "io") throw error;
    if (error.code === "config") return { kind: "misconfigured", message: error.message };
    return { kind: "refused", reason: error.code, message: error.message, hint: error.hint };
  }
}

/** Turns any error into an outcome, so that one kernel's failure does not become the others'. */
export async function outcomeOrFailure(work: () => Promise<PublishOutcome>): Promise<PublishOutcome> {
  try {
    return await work();
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: "failed", detail };
  }
}
