import type { AbortCause, Aborted } from "./engine.ts";
import type { EngineOptions } from "./wait.ts";

/** Causes that may go away without anybody doing something. */
const TRANSIENT: ReadonlySet<AbortCause> = new Set(["code_busy", "module_busy", "busy_transition"]);
/** Uptrack's policy: two more attempts, unless one took so long that the kernel itself has tried many times. */
const MAX_ATTEMPTS = 3;
const LONG_ATTEMPT_MS = 5_000;
const PAUSE_MS = 2_000;

/**
 * Makes a change, and tries again after a pause if it was aborted by a transient cause and the host is as it was before.
 * Stops trying when the run is asked to end.
 *
 * @param attempt makes one attempt. It is given the number of the attempt, from 1.
 */
export async function retrying<Outcome extends { readonly outcome: string }>(
  { system, stop }: Pick<EngineOptions, "system" | "stop">,
  attempt: (attempts: number) => Promise<Outcome | Aborted>,
): Promise<Outcome | Aborted> {
  for (let attempts = 1; ; attempts++) {
    const start = system.uptime();
    const outcome = await attempt(attempts);
    const passes = isAborted(outcome) && outcome.restored && TRANSIENT.has(outcome.cause);
    if (!passes || attempts === MAX_ATTEMPTS || system.uptime() - start > LONG_ATTEMPT_MS) return outcome;
    if (!stop?.aborted) await system.sleep(PAUSE_MS);
    if (stop?.aborted) return outcome;
  }
}

const isAborted = (outcome: { readonly outcome: string }): outcome is Aborted =>
  outcome.outcome === "aborted";
