import type { UpdateId } from "../../shared/brand.ts";
import type { System } from "../host/system.ts";
import type { Progress, Task } from "./engine.ts";

/** The kernel tries every second, and signals the blocking tasks every 15 s. Four such signals are enough to know. */
const DEADLINE_MS = 60_000;
/** Nearly every transition ends sooner. One that takes longer is blocked by a task. */
const REPORT_AFTER_MS = 5_000;
const POLL_MS = 50;

export interface EngineOptions {
  readonly system: System;
  /** How long a transition may take before it is reversed; by default 60 s. */
  readonly deadlineMs?: number;
  /** The time after which the blocking tasks are looked up, and the interval from then on; by default 5 s. */
  readonly reportAfterMs?: number;
  /** Called about once a second during a wait for the kernel. */
  readonly progress?: (progress: Progress) => void;
  /** When it is aborted, every transition is reversed as if its deadline had passed. */
  readonly stop?: AbortSignal;
}

export interface Wait {
  readonly id: UpdateId;
  readonly doing: Progress["doing"];
  readonly blockers: () => Promise<readonly Task[]>;
}

/** How a wait ended: successfully, at its deadline, or because the run was asked to end. */
export type Waited = "done" | "late" | "stopped";

/**
 * Waits until `done` returns true, and reports progress. A wait for a reversal is not stopped, because reversing is how a
 * stopped run leaves the host as it was.
 */
export async function waitUntil(
  { system, deadlineMs = DEADLINE_MS, reportAfterMs = REPORT_AFTER_MS, progress, stop }: EngineOptions,
  { id, doing, blockers }: Wait,
  done: () => Promise<boolean>,
): Promise<Waited> {
  const start = system.uptime();
  let told = 0;
  let lookedAt = 0;
  while (!(await done())) {
    const passed = system.uptime() - start;
    if (passed > deadlineMs) return "late";
    if (stop?.aborted && doing !== "reversing") return "stopped";
    if (progress && Math.floor(passed / 1000) > told) {
      told = Math.floor(passed / 1000);
      const look = passed - lookedAt >= reportAfterMs;
      if (look) lookedAt = passed;
      const blockedBy = look ? await blockers() : [];
      progress({ id, doing, seconds: told, deadlineSeconds: Math.ceil(deadlineMs / 1000), blockedBy });
    }
    await system.sleep(POLL_MS);
  }
  return "done";
}
