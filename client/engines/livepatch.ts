import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { System } from "../host/system.ts";
import type {
  Abort,
  Aborted,
  ApplyOutcome,
  Engine,
  LoadedPatch,
  PatchModule,
  Progress,
  Task,
  UndoOutcome,
} from "./engine.ts";

/** The kernel's own interface (Documentation/ABI/testing/sysfs-kernel-livepatch). */
const LIVEPATCH = "/sys/kernel/livepatch";
/** The kernel itself signals tasks that hold a transition up every 15 s; four rounds of it are enough to know. */
const TRANSITION_DEADLINE_MS = 60_000;
const POLL_MS = 50;
/** As many tasks as anybody reads. */
const MAX_TASKS_NAMED = 32;
/** The function that is being replaced is among the innermost. */
const MAX_FRAMES = 16;

export interface LivepatchOptions {
  readonly system: System;
  readonly deadlineMs?: number;
  /** Called about once a second while a transition lasts. */
  readonly progress?: (progress: Progress) => void;
}

/** A kernel without livepatch has nothing loaded; to apply throws `unsupported`. */
export function livepatchEngine(options: LivepatchOptions): Engine {
  const { system } = options;
  const file = (name: string, attribute: string) => `${LIVEPATCH}/${name}/${attribute}`;
  const enabled = (name: string) => system.read(file(name, "enabled"));

  const settled = async (wait: Wait, name: ObjectName): Promise<boolean> =>
    waitUntil(options, wait, async () => (await system.read(file(name, "transition"))) !== "1");

  /** Once a patch is disabled the kernel takes its folder away; then the module can go. */
  const unload = async (wait: Wait, name: ObjectName): Promise<string | undefined> => {
    const gone = await waitUntil(options, wait, async () => (await enabled(name)) === undefined);
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

  const loaded = async (): Promise<readonly LoadedPatch[]> => {
    const names = await system.list(LIVEPATCH);
    const patches = await Promise.all(names.map((name) => describePatch(system, name)));
    return patches.filter((patch) => patch !== undefined);
  };

  const absent = async (objects: readonly ObjectName[]): Promise<readonly ObjectName[]> => {
    const modules = await system.list("/sys/module");
    return objects.filter((name) => name !== "vmlinux" && !modules.includes(name));
  };

  return {
    name: "livepatch",
    loaded,

    async preflight({ objects }, { partial }): Promise<Abort | undefined> {
      await requireLivepatch(system);
      const missing = await absent(objects);
      if (partial || missing.length === 0) return undefined;
      const detail = `${missing.join(", ")} is not loaded`;
      return { cause: "target_not_loaded", detail, blockedBy: [], restored: true };
    },

    async apply(change, applyOptions): Promise<ApplyOutcome> {
      const abort = await this.preflight(change, applyOptions);
      if (abort) return { outcome: "aborted", ...abort };
      const { name, file: path } = onlyModule(change.modules);
      const before = await loaded();
      const start = system.uptime();
      const ran = await system.run("insmod", [path]);
      if (ran.code !== 0) return refused(lastLine(ran.stderr), true);
      if (await settled({ id: change.id, doing: "applying" }, name)) {
        if ((await enabled(name)) === "1") {
          const after = new Set((await loaded()).map((patch) => patch.name));
          const replaced = before.map((patch) => patch.name).filter((other) => !after.has(other));
          const pending = await absent(change.objects);
          return { outcome: "applied", milliseconds: system.uptime() - start, pending, replaced };
        }
        await system.run("rmmod", [name]); // a module that patches nothing is of no use in the kernel
        return refused("the module loaded, but the kernel does not list it as enabled", true);
      }
      const blockedBy = await blockingTasks(system, "0");
      const wait: Wait = { id: change.id, doing: "reversing" };
      const restored = (await disable(name)) === undefined && (await unload(wait, name)) === undefined;
      return busy(blockedBy, restored);
    },

    async undo({ id, modules }): Promise<UndoOutcome> {
      const { name } = onlyModule(modules);
      const wait: Wait = { id, doing: "undoing" };
      const start = system.uptime();
      if ((await enabled(name)) === "1") {
        const problem = await disable(name);
        if (problem !== undefined) return refused(problem, true);
      }
      if (!(await settled(wait, name))) return busy(await blockingTasks(system, "1"), false);
      const problem = await unload(wait, name);
      if (problem !== undefined) return refused(problem, false);
      return { outcome: "undone", milliseconds: system.uptime() - start };
    },
  };
}

type Wait = Pick<Progress, "id" | "doing">;

const refused = (detail: string, restored: boolean): Aborted => ({
  outcome: "aborted",
  cause: "unknown",
  detail,
  blockedBy: [],
  restored,
});

const busy = (blockedBy: readonly Task[], restored: boolean): Aborted => ({
  outcome: "aborted",
  cause: "code_busy",
  detail: "the transition did not end",
  blockedBy,
  restored,
});

function onlyModule<M extends PatchModule>(modules: readonly M[]): M {
  const [module, ...more] = modules;
  if (module && module.role === "patch" && more.length === 0) return module;
  throw new RebootlessError("unsupported", "a livepatch update has one module, the patch");
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
  const names = new Set(functions.map((entry) => entry.slice(0, entry.indexOf("/"))));
  const objects = [...names].sort().map(async (object) => {
    const patched = await system.read(`${folder}/${object}/patched`);
    return { name: object, patched: patched === undefined ? null : patched === "1" };
  });
  return {
    name,
    engine: "livepatch",
    state: moving ? "transition" : enabled === "1" ? "applied" : "disabled",
    functions: functions.sort(),
    objects: await Promise.all(objects),
  };
}

async function waitUntil(
  { system, deadlineMs = TRANSITION_DEADLINE_MS, progress }: LivepatchOptions,
  wait: Wait,
  done: () => Promise<boolean>,
): Promise<boolean> {
  const start = system.uptime();
  let told = 0;
  while (!(await done())) {
    const passed = system.uptime() - start;
    if (passed > deadlineMs) return false;
    if (Math.floor(passed / 1000) > told) progress?.({ ...wait, seconds: ++told, blockedBy: [] });
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
      tasks.push({
        pid: Number(thread),
        name: (await system.read(`${threads}/${thread}/comm`)) ?? "?",
        stack: stackOf(await system.read(`${threads}/${thread}/stack`)),
      });
    }
  }
  return tasks;
}

/** `[<0>] function+0x1a/0x90`, innermost first. */
function stackOf(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split("\n", MAX_FRAMES)
    .map((line) => line.replace(/^\[<\w+>\] /, ""))
    .filter((line) => line !== "");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
