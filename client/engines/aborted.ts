import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Abort, Progress, Task } from "./engine.ts";

/** One line while an engine waits. */
export function progressLine({ id, doing, seconds, blockedBy }: Progress): string {
  const held = blockedBy.length > 0 ? `; held up by ${taskNames(blockedBy)}` : "";
  return `${id}: ${doing}, in transition for ${seconds} s${held}`;
}

/** What became of a change that did not come about, for people and for scripts. */
export function abortError(id: UpdateId, doing: "apply" | "undo", abort: Abort): RebootlessError {
  const { cause, detail, blockedBy, restored } = abort;
  const held = blockedBy.length > 0 ? `; held up by ${taskNames(blockedBy)}` : "";
  const after = restored ? "Everything is as before" : "It could not be brought back to how it was before";
  return new RebootlessError("apply", `could not ${doing} ${id}: ${detail}${held}`, {
    hint: `${after}; the kernel log (dmesg) may say more.`,
    details: { cause, restored },
  });
}

const taskNames = (tasks: readonly Task[]): string =>
  tasks.map(({ name, pid }) => `${name}[${pid}]`).join(", ");
