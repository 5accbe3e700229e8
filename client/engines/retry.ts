import type { System } from "../host/system.ts";
import type { AbortCause, Aborted } from "./engine.ts";

/** What passes by itself. */
const TRANSIENT: ReadonlySet<AbortCause> = new Set(["code_busy", "module_busy", "busy_transition"]);
/** Uptrack's policy: twice more, unless an attempt took so long that the kernel has tried again and again by itself. */
const MAX_ATTEMPTS = 3;
const LONG_ATTEMPT_MS = 5_000;
const PAUSE_MS = 2_000;

/** Tries again, after a pause, what was aborted by something that passes and left the host as it was. */
export async function retrying<Outcome extends { readonly outcome: string }>(
  system: System,
  attempt: () => Promise<Outcome | Aborted>,
): Promise<Outcome | Aborted> {
  for (let attempts = 1; ; attempts++) {
    const start = system.uptime();
    const outcome = await attempt();
    const passes = isAborted(outcome) && outcome.restored && TRANSIENT.has(outcome.cause);
    if (!passes || attempts === MAX_ATTEMPTS || system.uptime() - start > LONG_ATTEMPT_MS) return outcome;
    await system.sleep(PAUSE_MS);
  }
}

const isAborted = (outcome: { readonly outcome: string }): outcome is Aborted =>
  outcome.outcome === "aborted";
