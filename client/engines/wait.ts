import type { UpdateId } from "../../shared/brand.ts";
import type { System } from "../host/system.ts";
import type { Progress, Task } from "./engine.ts";

/** The kernel itself tries every second, and signals the tasks in the way every 15 s: four rounds of it are enough to know. */
const DEADLINE_MS = 60_000;
/** Nearly every transition ends in less; what takes longer has a task in its way. */
const REPORT_AFTER_MS = 5_000;
const POLL_MS = 50;

export interface EngineOptions {
  readonly system: System;
  /** How long a transition may take before it is reversed; 60 s unless told. */
  readonly deadlineMs?: number;
  /** After how long the tasks in the way are looked up, and how often then; 5 s unless told. */
  readonly reportAfterMs?: number;
  /** Called about once a second while the kernel is waited for. */
  readonly progress?: (progress: Progress) => void;
  /** Once it is aborted, the time of every transition is up. */
  readonly stop?: AbortSignal;
}

export interface Wait {
  readonly id: UpdateId;
  readonly doing: Progress["doing"];
  readonly blockers: () => Promise<readonly Task[]>;
}

/** How a wait ended: with what was waited for, at its deadline, or because the run was asked to end. */
export type Waited = "done" | "late" | "stopped";

/** What takes a change back is not stopped: it is how a stopped run leaves the host as it was. */
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
