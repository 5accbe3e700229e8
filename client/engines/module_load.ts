import type { OpenFile } from "../../node/own_file.ts";
import { type ObjectName, VMLINUX } from "../../shared/brand.ts";
import type { System } from "../host/system.ts";
import { abortOf } from "./causes.ts";
import type { Abort } from "./engine.ts";
import { type Errno, errnoOf, refusalCause } from "./load_refusal.ts";

/** A module's last references are dropped a moment after its sysfs entries. */
const UNLOAD_TRIES = 50;
const UNLOAD_PAUSE_MS = 100;

/** Loads a module. Returns the reason if the kernel refuses it. */
export async function loadModule(
  system: System,
  name: ObjectName,
  file: OpenFile,
): Promise<Abort | undefined> {
  const log = system.kernelLog();
  try {
    const ran = await system.load(file);
    if (ran.code === 0) return undefined;
    const words = lastLine(ran.stderr);
    return await loadAbort(system, name, errnoOf(words), words, log.lines());
  } finally {
    log.close();
  }
}

async function loadAbort(
  system: System,
  name: ObjectName,
  errno: Errno | undefined,
  words: string,
  log: readonly string[],
): Promise<Abort> {
  const { cause, said } = refusalCause(name, errno, log, {
    ftrace: (await system.read("/proc/sys/kernel/ftrace_enabled")) !== "0",
    modulesDisabled: await modulesDisabled(system),
    lockdown: /\[(integrity|confidentiality)\]/.test(
      (await system.read("/sys/kernel/security/lockdown")) ?? "",
    ),
  });
  const detail = said === undefined ? words : `${words} (${said})`;
  return abortOf(cause, detail, { restored: errno === "EEXIST" || !(await isLoaded(system, name)) });
}

export const isLoaded = async (system: System, module: string): Promise<boolean> =>
  (await system.list("/sys/module")).includes(module);

export const modulesDisabled = async (system: System): Promise<boolean> =>
  (await system.read("/proc/sys/kernel/modules_disabled")) === "1";

/** Returns those of some objects that are modules and not loaded. */
export async function absentObjects(
  system: System,
  objects: readonly ObjectName[],
): Promise<readonly ObjectName[]> {
  const absent: ObjectName[] = [];
  for (const name of objects) {
    // A built-in module with parameters has a folder too, but no state.
    if (name !== VMLINUX && (await system.read(`/sys/module/${name}/initstate`)) !== "live")
      absent.push(name);
  }
  return absent;
}

/** Unloads a module. Returns undefined once it is not loaded, else the reason that rmmod gives. */
export async function unloadModule(system: System, name: string): Promise<string | undefined> {
  let reason = "";
  for (let tries = 0; tries < UNLOAD_TRIES; tries++) {
    if (!(await isLoaded(system, name))) return undefined;
    const ran = await system.run("rmmod", [name]);
    if (ran.code === 0) return undefined;
    reason = lastLine(ran.stderr);
    await system.sleep(UNLOAD_PAUSE_MS);
  }
  return reason;
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
