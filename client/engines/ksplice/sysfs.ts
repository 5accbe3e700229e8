import { VMLINUX } from "../../../shared/brand.ts";
import type { System } from "../../host/system.ts";
import type { LoadedPatch } from "../engine.ts";
import { isKid, type KspliceModule, parseModuleName } from "./names.ts";

/** The folder of kernels with Ksplice built in. On others, each update brings a core module and has its files below that. */
export const INTEGRATED = "/sys/kernel/ksplice";

export type Stage = "preparing" | "applied" | "reversed";

/** The files of one update in sysfs. */
export interface UpdateFolder {
  /** Reads the stage; undefined if the update is not loaded. */
  stage(): Promise<Stage | undefined>;
  /** Asks for a stage. The kernel reports no error; whether the stage was reached has to be read back. */
  request(stage: "applied" | "reversed" | "cleanup"): Promise<void>;
  abortCause(): Promise<string>;
  conflicts(): Promise<string>;
  set(attribute: "partial" | "debug", value: number): Promise<void>;
}

/** Finds the files of an update; undefined if it is not loaded. */
export async function updateFolder(system: System, kid: string): Promise<UpdateFolder | undefined> {
  for (const folder of [`${INTEGRATED}/${kid}`, `/sys/module/ksplice_${kid}/ksplice`]) {
    if ((await system.read(`${folder}/stage`)) !== undefined) return filesIn(system, folder);
  }
  return undefined;
}

function filesIn(system: System, folder: string): UpdateFolder {
  const read = async (name: string) => (await system.read(`${folder}/${name}`)) ?? "";
  return {
    stage: async () => parseStage(await system.read(`${folder}/stage`)),
    request: (stage) => system.write(`${folder}/stage`, stage),
    abortCause: () => read("abort_cause"),
    conflicts: () => read("conflicts"),
    set: (attribute, value) => system.write(`${folder}/${attribute}`, String(value)),
  };
}

const parseStage = (text: string | undefined): Stage | undefined =>
  text === "preparing" || text === "applied" || text === "reversed" ? text : undefined;

/** Lists the loaded modules of an update in the order in which they can be unloaded: old, new, core. */
export async function loadedModules(system: System, kid: string): Promise<readonly KspliceModule[]> {
  const order = ["old", "new", "core"];
  return (await system.list("/sys/module"))
    .map(parseModuleName)
    .filter((module) => module?.kid === kid)
    .filter((module) => module !== undefined)
    .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
}

export async function loadedUpdates(system: System): Promise<readonly LoadedPatch[]> {
  const cores = (await system.list("/sys/module")).map(parseModuleName).filter((m) => m?.role === "core");
  const kids = new Set([
    ...(await system.list(INTEGRATED)).filter(isKid),
    ...cores.flatMap((core) => (core ? [core.kid] : [])),
  ]);
  const updates = await Promise.all([...kids].sort().map((kid) => describe(system, kid)));
  return updates.filter((update) => update !== undefined);
}

async function describe(system: System, kid: string): Promise<LoadedPatch | undefined> {
  const stage = await (await updateFolder(system, kid))?.stage();
  if (stage === undefined) return undefined;
  const objects = [];
  for (const { role, target } of await loadedModules(system, kid)) {
    if (role !== "new" || target === undefined) continue;
    const loaded = target === VMLINUX || (await system.read(`/sys/module/${target}/initstate`)) === "live";
    // A target that was loaded after the update is not changed, but Ksplice does not say whether it was.
    objects.push({ name: target, patched: stage === "applied" && (loaded ? null : false) });
  }
  return {
    name: `ksplice_${kid}`,
    engine: "ksplice",
    state: stage === "applied" ? "applied" : "disabled",
    functions: [],
    objects,
    replaces: null,
    order: null,
  };
}
