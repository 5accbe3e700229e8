import type { System } from "../../host/system.ts";
import type { LoadedPatch } from "../engine.ts";

/** The folder of the kernel's interface (Documentation/ABI/testing/sysfs-kernel-livepatch). */
export const LIVEPATCH = "/sys/kernel/livepatch";

/** One patch in sysfs. Files that this kernel does not have, and those of a patch that is gone, read as undefined. */
export interface PatchFolder {
  /** "1" if the patch is in force or on its way in, "0" if it is not in force or on its way out. */
  enabled(): Promise<string | undefined>;
  inTransition(): Promise<boolean>;
  /** Begins or reverses a transition. Returns undefined if the kernel accepts, else the name or the words of its error. */
  enable(value: "0" | "1"): Promise<string | undefined>;
}

export function patchFolder(system: System, name: string): PatchFolder {
  const file = (attribute: string) => `${LIVEPATCH}/${name}/${attribute}`;
  return {
    enabled: () => system.read(file("enabled")),
    inTransition: async () => (await system.read(file("transition"))) === "1",
    async enable(value) {
      try {
        await system.write(file("enabled"), value);
        return undefined;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        return "code" in error ? String(error.code) : error.message;
      }
    },
  };
}

/** Lists the loaded patches in the order in which they were applied if the kernel says it (since 6.14), else by name. */
export async function loadedPatches(system: System): Promise<readonly LoadedPatch[]> {
  const names = await system.list(LIVEPATCH);
  const patches = await Promise.all(names.map((name) => describe(system, name)));
  return patches.filter((patch) => patch !== undefined).sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
}

/** Returns the name of the patch in transition, if there is one. The kernel allows one at a time. */
export async function patchInTransition(system: System): Promise<string | undefined> {
  for (const name of await system.list(LIVEPATCH)) {
    if (await patchFolder(system, name).inTransition()) return name;
  }
  return undefined;
}

async function describe(system: System, name: string): Promise<LoadedPatch | undefined> {
  const folder = `${LIVEPATCH}/${name}`;
  const patch = patchFolder(system, name);
  const enabled = await patch.enabled();
  if (enabled === undefined) return undefined; // It was unloaded in the meantime.
  const moving = await patch.inTransition();
  const functions: string[] = [];
  const objects = [];
  for (const object of await system.list(folder)) {
    const entries = (await system.list(`${folder}/${object}`)).filter((entry) => /,\d+$/.test(entry));
    if (entries.length === 0) continue;
    for (const entry of entries) functions.push(`${object}/${entry}`);
    objects.push({ name: object, patched: flag(await system.read(`${folder}/${object}/patched`)) });
  }
  const order = await system.read(`${folder}/stack_order`);
  return {
    name,
    engine: "livepatch",
    state: moving ? "transition" : enabled === "1" ? "applied" : "disabled",
    functions: functions.sort(),
    objects,
    replaces: flag(await system.read(`${folder}/replace`)),
    order: order !== undefined && /^\d{1,6}$/.test(order) ? Number(order) : null,
  };
}

/** Reads "0" or "1". Anything else, which a later kernel may say, is not known here. */
const flag = (text: string | undefined): boolean | null =>
  text === "1" ? true : text === "0" ? false : null;
