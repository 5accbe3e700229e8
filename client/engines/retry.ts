import type { AbortCause, Aborted } from "./engine.ts";
import type { EngineOptions } from "./wait.ts";

/** What passes by itself. */
const TRANSIENT: ReadonlySet<AbortCause> = new Set(["code_busy", "module_busy", "busy_transition"]);
/** Uptrack's policy: twice more, unless an attempt took so long that the kernel has tried again and again by itself. */
const MAX_ATTEMPTS = 3;
const LONG_ATTEMPT_MS = 5_000;
const PAUSE_MS = 2_000;

/**
 * Tries again, after a pause, what was aborted by something that passes and left the host as it was; not where the run was
 * asked to end.
 *
 * @param attempt told which one it is, from 1.
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
