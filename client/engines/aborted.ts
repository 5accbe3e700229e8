import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { HINTS } from "./causes.ts";
import type { Abort, Progress, Task } from "./engine.ts";

/** Reports progress in lines of text: what an engine waits for and, after a while, which tasks block it. */
export const progressTo =
  (say: (line: string) => void) =>
  ({ id, doing, seconds, deadlineSeconds, blockedBy }: Progress): void => {
    say(`${id}: ${doing} for ${seconds} s`);
    if (blockedBy.length === 0) return;
    for (const task of blockedBy) say(`  held up by ${taskLine(task)}`);
    say(
      `  finish, restart or stop these tasks; without that, the change is given up after ${deadlineSeconds} s`,
    );
  };

/** Makes an error of a change that did not come about. */
export function abortError(id: UpdateId, doing: "apply" | "undo", abort: Abort): RebootlessError {
  const { cause, detail, blockedBy, restored } = abort;
  const held = blockedBy.length > 0 ? `; held up by ${blockedBy.map(taskName).join(", ")}` : "";
  const after = restored
    ? "The host is as it was before."
    : "The host could NOT be brought back to how it was before: see `rebootless status`.";
  return new RebootlessError(
    cause === "stopped" ? "stopped" : "apply",
    `could not ${doing} ${id}: ${detail}${held}`,
    {
      hint: `${after} ${HINTS[cause]}`,
      details: { cause, restored },
    },
  );
}

const taskName = ({ name, pid }: Task): string => `${name}[${pid}]`;

const taskLine = (task: Task): string =>
  task.stack.length > 0 ? `${taskName(task)} in ${task.stack.slice(0, 4).join(" < ")}` : taskName(task);
