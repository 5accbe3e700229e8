import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { System } from "../host/system.ts";
import type { ApplyOutcome, Engine, LoadedPatch, Task, UndoOutcome } from "./engine.ts";

/** The kernel's own interface (Documentation/ABI/testing/sysfs-kernel-livepatch). */
const LIVEPATCH = "/sys/kernel/livepatch";
/** The kernel itself signals tasks that hold a transition up every 15 s; four rounds of it are enough to know. */
const TRANSITION_DEADLINE_MS = 60_000;
const POLL_MS = 50;
/** As many tasks as anybody reads. */
const MAX_TASKS_NAMED = 32;

export interface LivepatchOptions {
  readonly system: System;
  readonly deadlineMs?: number;
  /** Called about once a second while a transition lasts, with the seconds so far. */
  readonly waiting?: (name: ObjectName, seconds: number) => void;
}

/** A kernel without livepatch has nothing loaded; to apply throws `unsupported`. */
export function livepatchEngine(options: LivepatchOptions): Engine {
  const { system } = options;
  const file = (name: string, attribute: string) => `${LIVEPATCH}/${name}/${attribute}`;
  const enabled = (name: string) => system.read(file(name, "enabled"));

  const settled = async (name: ObjectName): Promise<boolean> =>
    waitUntil(options, name, async () => (await system.read(file(name, "transition"))) !== "1");

  /** Once a patch is disabled the kernel takes its folder away; then the module can go. */
  const unload = async (name: ObjectName): Promise<string | undefined> => {
    const gone = await waitUntil(options, name, async () => (await enabled(name)) === undefined);
    if (!gone) return "the kernel still lists the patch";
    const ran = await system.run("rmmod", [name]);
    return ran.code === 0 ? undefined : lastLine(ran.stderr);
  };

  const disable = async (name: ObjectName): Promise<string | undefined> => {
    try {
      await system.write(file(name, "enabled"), "0");
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  return {
    async loaded() {
      const names = await system.list(LIVEPATCH);
      const patches = await Promise.all(names.map((name) => describePatch(system, name)));
      return patches.filter((patch) => patch !== undefined);
    },

    async apply(name, modulePath): Promise<ApplyOutcome> {
      await requireLivepatch(system);
      const start = system.uptime();
      const ran = await system.run("insmod", [modulePath]);
      if (ran.code !== 0) return { outcome: "refused", reason: lastLine(ran.stderr) };
      if (await settled(name)) {
        if ((await enabled(name)) === "1")
          return { outcome: "applied", milliseconds: system.uptime() - start };
        await system.run("rmmod", [name]); // a module that patches nothing is of no use in the kernel
        return {
          outcome: "refused",
          reason: "the module loaded, but the kernel does not list it as enabled",
        };
      }
      const blockedBy = await blockingTasks(system, "0");
      const reversed = (await disable(name)) === undefined && (await unload(name)) === undefined;
      return { outcome: "stalled", blockedBy, reversed };
    },

    async undo(name): Promise<UndoOutcome> {
      const start = system.uptime();
      if ((await enabled(name)) === "1") {
        const problem = await disable(name);
        if (problem !== undefined) return { outcome: "refused", reason: problem };
      }
      if (!(await settled(name))) return { outcome: "stalled", blockedBy: await blockingTasks(system, "1") };
      const problem = await unload(name);
      if (problem !== undefined) return { outcome: "refused", reason: problem };
      return { outcome: "undone", milliseconds: system.uptime() - start };
    },
  };
}

async function requireLivepatch(system: System): Promise<void> {
  if ((await system.list("/sys/kernel")).includes("livepatch")) return;
  throw new RebootlessError("unsupported", `${LIVEPATCH} does not exist`, {
    hint: "The kernel must be built with CONFIG_LIVEPATCH, and /sys mounted.",
  });
}

async function describePatch(system: System, name: string): Promise<LoadedPatch | undefined> {
  const folder = `${LIVEPATCH}/${name}`;
  const enabled = await system.read(`${folder}/enabled`);
  if (enabled === undefined) return undefined; // unloaded meanwhile
  const moving = (await system.read(`${folder}/transition`)) === "1";
  const functions: string[] = [];
  for (const object of await system.list(folder)) {
    for (const entry of await system.list(`${folder}/${object}`)) {
      if (/,\d+$/.test(entry)) functions.push(`${object}/${entry}`);
    }
  }
  return {
    name,
    state: moving ? "transition" : enabled === "1" ? "applied" : "disabled",
    functions: functions.sort(),
  };
}

async function waitUntil(
  { system, deadlineMs = TRANSITION_DEADLINE_MS, waiting }: LivepatchOptions,
  name: ObjectName,
  done: () => Promise<boolean>,
): Promise<boolean> {
  const start = system.uptime();
  let told = 0;
  while (!(await done())) {
    const passed = system.uptime() - start;
    if (passed > deadlineMs) return false;
    if (Math.floor(passed / 1000) > told) waiting?.(name, ++told);
    await system.sleep(POLL_MS);
  }
  return true;
}

/**
 * Tasks that have not gone over: every thread goes for itself. patch_state is 0 for the old code, 1 for the new
 * and -1 outside of a transition.
 */
async function blockingTasks(system: System, behind: "0" | "1"): Promise<readonly Task[]> {
  const processes = (await system.list("/proc")).filter((entry) => /^\d+$/.test(entry));
  const tasks: Task[] = [];
  for (const process of processes) {
    const threads = `/proc/${process}/task`;
    for (const thread of await system.list(threads)) {
      if (tasks.length === MAX_TASKS_NAMED) return tasks;
      if ((await system.read(`${threads}/${thread}/patch_state`)) !== behind) continue;
      tasks.push({ pid: Number(thread), name: (await system.read(`${threads}/${thread}/comm`)) ?? "?" });
    }
  }
  return tasks;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
