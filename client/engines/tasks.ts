import { printable } from "../../shared/printable.ts";
import type { System } from "../host/system.ts";
import type { Task } from "./engine.ts";

/** More tasks than a person reads. */
const MAX_TASKS_NAMED = 32;
/** The function that is being replaced is among the innermost ones. */
const MAX_FRAMES = 16;

/**
 * Lists the threads that have not moved over in a transition. Every thread moves on its own. `patch_state` is 0 for the
 * old code, 1 for the new code and -1 outside of a transition.
 */
export async function tasksBehind(system: System, behind: "0" | "1"): Promise<readonly Task[]> {
  const processes = (await system.list("/proc")).filter((entry) => /^\d+$/.test(entry));
  const tasks: Task[] = [];
  for (const process of processes) {
    const threads = `/proc/${process}/task`;
    for (const thread of await system.list(threads)) {
      if (tasks.length === MAX_TASKS_NAMED) return tasks;
      if ((await system.read(`${threads}/${thread}/patch_state`)) !== behind) continue;
      const name = (await system.read(`${threads}/${thread}/comm`)) ?? "?";
      tasks.push({
        pid: Number(thread),
        name: printable(name),
        stack: await stackOf(system, Number(thread)),
      });
    }
  }
  return tasks;
}

/**
 * Parses the lines of Ksplice's `conflicts`: `comm pid label…`. A comm can contain spaces and numbers; a label is a symbol
 * and never a number, so the last number is the pid.
 */
export async function tasksInConflict(system: System, text: string): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  for (const line of text.split("\n")) {
    const [, name, pid, labels = ""] = /^(.*\S) (\d{1,10})((?: [^\d\s]\S*)*)\s*$/.exec(line) ?? [];
    if (name === undefined || pid === undefined || tasks.length === MAX_TASKS_NAMED) continue;
    const stack = await stackOf(system, Number(pid));
    const symbols = labels.split(" ").filter((label) => label !== "");
    tasks.push({
      pid: Number(pid),
      name: printable(name),
      stack: stack.length > 0 ? stack : symbols.map(printable),
    });
  }
  return tasks;
}

/**
 * Reads the stack of a task, in lines such as `[<0>] function+0x1a/0x90`. Returns an empty list where the kernel has no
 * such file, or where lockdown or a container keeps it from root.
 */
async function stackOf(system: System, pid: number): Promise<readonly string[]> {
  const text = (await system.read(`/proc/${pid}/stack`).catch(() => undefined)) ?? "";
  return text
    .split("\n")
    .slice(0, MAX_FRAMES)
    .map((line) => printable(line.replace(/^\[<\w+>\] /, "")))
    .filter((line) => line !== "");
}
