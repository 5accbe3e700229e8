import { RebootlessError } from "../../shared/errors.ts";
import type { System } from "../host/system.ts";
import { aborted, abortOf } from "./causes.ts";
import type { Abort, Aborted, ApplyOptions, Engine, EngineChange, Removal, UndoOutcome } from "./engine.ts";
import { LIVEPATCH, loadedPatches, patchFolder, patchInTransition } from "./livepatch/sysfs.ts";
import {
  blockersOf,
  type ManagedPatch,
  reverseApply,
  reverseUndo,
  waitForTransition,
} from "./livepatch/transition.ts";
import { absentObjects, isLoaded, loadModule, modulesDisabled, unloadModule } from "./module_load.ts";
import { retrying } from "./retry.ts";
import { type EngineOptions, waitUntil } from "./wait.ts";

/** Makes the engine of livepatch. On a kernel without livepatch nothing is loaded, and applying throws `unsupported`. */
export function livepatchEngine(options: EngineOptions): Engine {
  const { system } = options;

  const attemptApply = async (
    change: EngineChange,
    { partial, matchAgain }: ApplyOptions,
    attempts: number,
  ) => {
    const patch = managedPatch(options, change);
    const refused = await preflight(system, change, partial);
    if (refused) return aborted(refused);
    const other = await otherTransition(patch);
    const refusal =
      other.refusal ??
      (await removeLeftover(system, patch.name)) ??
      (other.waited || attempts > 1 ? await matchAgain() : undefined);
    if (refusal) return aborted(refusal);
    return await load(patch, change);
  };

  const attemptUndo = async (patch: ManagedPatch): Promise<UndoOutcome> => {
    const start = system.uptime();
    const problem = await takeOut(patch);
    return problem ?? { outcome: "undone", milliseconds: system.uptime() - start };
  };

  return {
    name: "livepatch",
    loaded: () => loadedPatches(system),
    preflight: (change, { partial }) => preflight(system, change, partial),
    apply: (change, how) => retrying(options, (attempts) => attemptApply(change, how, attempts)),
    undo: (removal) => retrying(options, () => attemptUndo(managedPatch(options, removal))),
  };
}

function managedPatch(options: EngineOptions, { id, modules }: Removal): ManagedPatch {
  const [module, ...more] = modules;
  if (module?.role !== "patch" || more.length > 0) {
    throw new RebootlessError("unsupported", `${id}: a livepatch update has one module, the patch`);
  }
  return { options, id, name: module.name, folder: patchFolder(options.system, module.name) };
}

async function preflight(
  system: System,
  { modules, objects }: EngineChange,
  partial: boolean,
): Promise<Abort | undefined> {
  await requireLivepatch(system);
  const loaded = await system.list(LIVEPATCH);
  const already = modules.find(({ name }) => loaded.includes(name));
  if (already) return abortOf("already_loaded", `a patch called ${already.name} is loaded already`);
  if (await modulesDisabled(system)) return abortOf("modules_disabled", "kernel.modules_disabled is set");
  if ((await system.read("/proc/sys/kernel/ftrace_enabled")) === "0") {
    return abortOf("ftrace_disabled", "kernel.ftrace_enabled is 0");
  }
  const absent = partial ? [] : await absentObjects(system, objects);
  if (absent.length > 0) return abortOf("target_not_loaded", `not loaded: ${absent.join(", ")}`);
  return undefined;
}

async function requireLivepatch(system: System): Promise<void> {
  if ((await system.list("/sys/kernel")).includes("livepatch")) return;
  throw new RebootlessError("unsupported", `${LIVEPATCH} does not exist`, {
    hint: "The kernel must be built with CONFIG_LIVEPATCH, and /sys mounted.",
  });
}

interface OtherTransition {
  /** Whether another patch was in transition. It may have changed the code that was matched. */
  readonly waited: boolean;
  readonly refusal: Abort | undefined;
}

/** Waits while another patch is in transition, because the kernel would refuse this one with EBUSY. */
async function otherTransition({ options, id }: ManagedPatch): Promise<OtherTransition> {
  const { system } = options;
  let other: string | undefined;
  let waited = false;
  const free = async () => {
    other = await patchInTransition(system);
    waited ||= other !== undefined;
    return other === undefined;
  };
  const blockers = async () => (other === undefined ? [] : blockersOf(system, patchFolder(system, other)));
  const end = await waitUntil(options, { id, doing: "waiting for another patch", blockers }, free);
  if (end === "done") return { waited, refusal: undefined };
  if (end === "late")
    return { waited, refusal: abortOf("busy_transition", `${other} is in transition and does not end`) };
  const detail = `the run was asked to end (${options.stop?.reason}) while ${other} is in transition`;
  return { waited, refusal: abortOf("stopped", detail) };
}

/**
 * Unloads a module of this name that is loaded but no longer a patch. A replaced patch leaves one, and so does a run that
 * was killed. It cannot be enabled again, only loaded again. Taint K marks a livepatch module; other modules are left
 * alone.
 */
async function removeLeftover(system: System, name: string): Promise<Abort | undefined> {
  if (!(await isLoaded(system, name))) return undefined;
  const taint = (await system.read(`/sys/module/${name}/taint`)) ?? "";
  const stays = taint.includes("K") ? await unloadModule(system, name) : "it is no live patch";
  if (stays === undefined) return undefined;
  return abortOf("already_loaded", `a module called ${name} is loaded, and cannot go: ${stays}`);
}

async function load(patch: ManagedPatch, change: EngineChange) {
  const { options, name, folder } = patch;
  const { system } = options;
  const before = await inForce(system);
  const start = system.uptime();
  for (const { file } of change.modules) {
    const refused = await loadModule(system, name, file);
    if (refused) return aborted(refused);
  }
  const end = await waitForTransition(patch, "applying");
  if (end !== "done") return aborted(await reverseApply(patch, end));
  if ((await folder.enabled()) !== "1") return aborted(await notEnabled(system, name));
  const milliseconds = system.uptime() - start;
  const pending = await absentObjects(system, change.objects);
  const after = await inForce(system);
  const replaced = before.filter((other) => !after.includes(other));
  // A module that cannot be unloaded yet does no harm: it is unloaded before it is loaded again.
  for (const gone of change.replaces) if (replaced.includes(gone)) await unloadModule(system, gone);
  return { outcome: "applied", milliseconds, pending, replaced } as const;
}

async function notEnabled(system: System, name: string): Promise<Abort> {
  const stays = await unloadModule(system, name);
  const detail = "the module loaded, but the kernel does not list it as enabled";
  return abortOf("unexpected", detail, { restored: stays === undefined });
}

const inForce = async (system: System): Promise<readonly string[]> =>
  (await loadedPatches(system)).filter(({ state }) => state === "applied").map(({ name }) => name);

/** Takes a patch out. Returns undefined once it is out, also if it was out before. */
async function takeOut(patch: ManagedPatch): Promise<Aborted | undefined> {
  const { options, name, folder } = patch;
  const { system } = options;
  if ((await folder.enabled()) === "1") {
    const refused = await folder.enable("0");
    if (refused === "EBUSY") return aborted(abortOf("busy_transition", "another patch is in transition"));
    if (refused !== undefined)
      return aborted(abortOf("unknown", `the kernel refused to disable it: ${refused}`));
  }
  const end = await waitForTransition(patch, "undoing");
  const stalled = end === "done" ? undefined : await reverseUndo(patch, end);
  if (stalled) return aborted(stalled);
  const stays = await unloadModule(system, name);
  if (stays === undefined) return undefined;
  const detail = `out of force, but its module cannot be unloaded: ${stays}`;
  return aborted(abortOf("module_busy", detail, { restored: false }));
}
