import type { System } from "../../host/system.ts";
import { abortOf } from "../causes.ts";
import type { Abort, AbortCause } from "../engine.ts";
import { tasksInConflict } from "../tasks.ts";
import type { Stage, UpdateFolder } from "./sysfs.ts";

/** Every word of `abort_cause` except `ok`, which is not a cause. */
const CAUSES: ReadonlySet<string> = new Set<AbortCause>([
  "no_match",
  "bad_system_map",
  "code_busy",
  "module_busy",
  "out_of_memory",
  "failed_to_find",
  "already_reversed",
  "missing_export",
  "unexpected_running_task",
  "target_not_loaded",
  "call_failed",
  "cold_update_loaded",
  "unexpected",
  "unknown",
]);

const isCause = (word: string): word is AbortCause => CAUSES.has(word);

/**
 * Asks the kernel for a stage, and reads back whether it was reached. A stage that is not reached leaves everything as it
 * was: an apply that fails stays `preparing`, and a reversal that fails stays `applied`.
 */
export async function reachStage(
  system: System,
  kid: string,
  folder: UpdateFolder,
  stage: Stage & ("applied" | "reversed"),
): Promise<Abort | undefined> {
  const log = system.kernelLog();
  try {
    await folder.request(stage);
    if ((await folder.stage()) === stage) return undefined;
    const word = await folder.abortCause();
    const cause = isCause(word) ? word : word === "ok" ? "unexpected" : "unknown";
    const blockedBy = cause === "code_busy" ? await tasksInConflict(system, await folder.conflicts()) : [];
    const said = (await debugLine(system, kid)) ?? log.lines().findLast((line) => line.startsWith("ksplice"));
    const detail = `Ksplice's abort_cause is ${JSON.stringify(word.slice(0, 40))}`;
    return abortOf(cause, said === undefined ? detail : `${detail} (${said})`, { blockedBy });
  } finally {
    log.close();
  }
}

const MAX_DETAIL = 200;

/** Returns the last line that the update wrote to debugfs, if `debug` is set and debugfs is mounted. */
async function debugLine(system: System, kid: string): Promise<string | undefined> {
  const text = await system.read(`/sys/kernel/debug/ksplice_${kid}`).catch(() => undefined);
  return (text || undefined)
    ?.split("\n")
    .at(-1)
    ?.replace(/[^\x20-\x7e]/g, "?")
    .slice(0, MAX_DETAIL);
}
