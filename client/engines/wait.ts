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
}

export interface Wait {
  readonly id: UpdateId;
  readonly doing: Progress["doing"];
  readonly blockers: () => Promise<readonly Task[]>;
}

/** False when it is not done in time. */
export async function waitUntil(
  { system, deadlineMs = DEADLINE_MS, reportAfterMs = REPORT_AFTER_MS, progress }: EngineOptions,
  { id, doing, blockers }: Wait,
  done: () => Promise<boolean>,
): Promise<boolean> {
  const start = system.uptime();
  let told = 0;
  let lookedAt = 0;
  while (!(await done())) {
    const passed = system.uptime() - start;
    if (passed > deadlineMs) return false;
    if (progress && Math.floor(passed / 1000) > told) {
      told = Math.floor(passed / 1000);
      const look = passed - lookedAt >= reportAfterMs;
      if (look) lookedAt = passed;
      const blockedBy = look ? await blockers() : [];
      progress({ id, doing, seconds: told, deadlineSeconds: Math.ceil(deadlineMs / 1000), blockedBy });
    }
    await system.sleep(POLL_MS);
  }
  return true;
}
