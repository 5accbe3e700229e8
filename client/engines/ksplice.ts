import { RebootlessError } from "../../shared/errors.ts";
import type { System } from "../host/system.ts";
import { aborted, abortOf } from "./causes.ts";
import type { Abort, ApplyOutcome, Engine, EngineChange, Progress, Removal, UndoOutcome } from "./engine.ts";
import { kidOf, parseModuleName } from "./ksplice/names.ts";
import { reachStage } from "./ksplice/outcome.ts";
import {
  INTEGRATED,
  loadedModules,
  loadedUpdates,
  type UpdateFolder,
  updateFolder,
} from "./ksplice/sysfs.ts";
import { absentObjects, loadModule, modulesDisabled, unloadModule } from "./module_load.ts";
import { retrying } from "./retry.ts";
import type { EngineOptions } from "./wait.ts";

/** An update disappears a moment after `cleanup` is written. */
const CLEANUP_TRIES = 5;
const CLEANUP_PAUSE_MS = 100;
/** Three attempts, each with five tries of the kernel a second apart, and the pauses between them. */
const GIVEN_UP_AFTER_S = 20;

export interface KspliceOptions extends Pick<EngineOptions, "system" | "progress" | "stop"> {
  /** How much the update writes to debugfs; by default 0, which is nothing. */
  readonly debug?: number;
}

/**
 * Makes the engine of updates in the format of Ksplice 0.9.7 and later, for kernels with Ksplice built in and for updates
 * that bring a core of their own.
 */
export function kspliceEngine(options: KspliceOptions): Engine {
  const { system } = options;
  return {
    name: "ksplice",
    loaded: () => loadedUpdates(system),
    preflight: (change, { partial }) => preflight(system, change, partial),
    apply: (change, { partial }) => apply(options, change, partial),
    undo: (removal) => undo(options, removal),
  };
}

async function preflight(
  system: System,
  { id, modules, objects }: EngineChange,
  partial: boolean,
): Promise<Abort | undefined> {
  const kid = kidOf(id, modules);
  const core = modules.some(({ name }) => parseModuleName(name)?.role === "core");
  if (!core && !(await system.list("/sys/kernel")).includes("ksplice")) {
    throw new RebootlessError("unsupported", `${id} needs ${INTEGRATED}, which does not exist`, {
      hint: "The update was made for a kernel with Ksplice built in, and brings no core of its own.",
    });
  }
  if ((await (await updateFolder(system, kid))?.stage()) === "applied") {
    return abortOf("already_loaded", `Ksplice update ${kid} is applied already`);
  }
  if (await modulesDisabled(system)) return abortOf("modules_disabled", "kernel.modules_disabled is set");
  const absent = partial ? [] : await absentObjects(system, objects);
  if (absent.length > 0) return abortOf("target_not_loaded", `not loaded: ${absent.join(", ")}`);
  return undefined;
}

async function apply(options: KspliceOptions, change: EngineChange, partial: boolean): Promise<ApplyOutcome> {
  const { system } = options;
  const kid = kidOf(change.id, change.modules);
  const start = system.uptime();
  const refused = (await preflight(system, change, partial)) ?? (await removeLeftover(system, kid));
  if (refused) return aborted(refused);
  const failed = (await loadAll(system, change)) ?? (await switchOn(options, change, kid, partial));
  if (failed) {
    const stays = await takeOut(system, kid);
    return aborted({ ...failed, restored: failed.restored && stays === undefined });
  }
  // The `old` modules were needed to find the code in memory, and are not needed any more.
  for (const { name, role } of await loadedModules(system, kid))
    if (role === "old") await unloadModule(system, name);
  const milliseconds = system.uptime() - start;
  return {
    outcome: "applied",
    milliseconds,
    pending: await absentObjects(system, change.objects),
    replaced: [],
  };
}

/** Unloads what a killed run left of an update that is not applied. */
async function removeLeftover(system: System, kid: string): Promise<Abort | undefined> {
  const stays = await takeOut(system, kid);
  if (stays === undefined) return undefined;
  return abortOf("already_loaded", `modules of Ksplice update ${kid} are loaded, and cannot go: ${stays}`);
}

async function loadAll(system: System, { modules }: EngineChange): Promise<Abort | undefined> {
  for (const { name, file } of modules) {
    const refused = await loadModule(system, name, file);
    if (refused) return refused;
  }
  return undefined;
}

async function switchOn(
  options: KspliceOptions,
  change: EngineChange,
  kid: string,
  partial: boolean,
): Promise<Abort | undefined> {
  const { system, debug = 0 } = options;
  const folder = await updateFolder(system, kid);
  if (!folder) return abortOf("unexpected", "its modules loaded, but the kernel does not list the update");
  try {
    if (debug > 0) await folder.set("debug", debug);
    await folder.set("partial", partial ? 1 : 0);
    return await reachInTime(options, change, kid, folder, "applied");
  } catch (error) {
    // This is an abort and not an exception, so that the loaded modules are unloaded again.
    return abortOf("unexpected", error instanceof Error ? error.message : String(error));
  }
}

/** Reaches a stage with Uptrack's retries. Progress is reported between them, because the kernel blocks the writer. */
async function reachInTime(
  options: KspliceOptions,
  { id }: Removal,
  kid: string,
  folder: UpdateFolder,
  stage: "applied" | "reversed",
): Promise<Abort | undefined> {
  const { system, progress } = options;
  const start = system.uptime();
  const doing: Progress["doing"] = stage === "applied" ? "applying" : "undoing";
  const outcome = await retrying(options, async () => {
    const abort = await reachStage(system, kid, folder, stage);
    if (!abort) return { outcome: "reached" } as const;
    const seconds = Math.floor((system.uptime() - start) / 1000);
    const { blockedBy } = abort;
    if (blockedBy.length > 0) {
      progress?.({ id, doing, seconds, deadlineSeconds: GIVEN_UP_AFTER_S, blockedBy });
    }
    return aborted(abort);
  });
  return outcome.outcome === "reached" ? undefined : outcome;
}

async function undo(options: KspliceOptions, removal: Removal): Promise<UndoOutcome> {
  const { system } = options;
  const kid = kidOf(removal.id, removal.modules);
  const start = system.uptime();
  const folder = await updateFolder(system, kid);
  if (folder && (await folder.stage()) === "applied") {
    for (const { name, role } of await loadedModules(system, kid))
      if (role === "old") await unloadModule(system, name);
    const failed = await reachInTime(options, removal, kid, folder, "reversed");
    if (failed) return aborted({ ...failed, detail: `${failed.detail}: it stays in force` });
  }
  const stays = await takeOut(system, kid);
  if (stays === undefined) return { outcome: "undone", milliseconds: system.uptime() - start };
  const detail = `out of force, but its modules cannot be unloaded: ${stays}`;
  return aborted(abortOf("module_busy", detail, { restored: false }));
}

/** Takes an update that is not applied out of the kernel. Returns undefined once it is out, else the reason. */
async function takeOut(system: System, kid: string): Promise<string | undefined> {
  const modules = await loadedModules(system, kid);
  for (const { name, role } of modules) {
    if (role === "core") await cleanUp(system, kid);
    const stays = await unloadModule(system, name);
    if (stays !== undefined) return stays;
  }
  await cleanUp(system, kid);
  return (await isGone(system, kid)) ? undefined : "the kernel still lists the update";
}

/** Removes a reversed update by writing `cleanup`. One that was never applied disappears with its modules. */
async function cleanUp(system: System, kid: string): Promise<void> {
  const folder = await updateFolder(system, kid);
  if ((await folder?.stage()) !== "reversed") return;
  await folder?.request("cleanup");
  await isGone(system, kid);
}

async function isGone(system: System, kid: string): Promise<boolean> {
  for (let tries = 0; tries < CLEANUP_TRIES; tries++) {
    if ((await updateFolder(system, kid)) === undefined) return true;
    await system.sleep(CLEANUP_PAUSE_MS);
  }
  return (await updateFolder(system, kid)) === undefined;
}
