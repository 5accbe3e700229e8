import type { OpenFile } from "../../node/own_file.ts";
import type { ObjectName } from "../../shared/brand.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { EngineChange, PatchModule, Removal } from "../engines/engine.ts";

/** Lists the modules of an update in load order: its own module, then the parts of a Ksplice update. */
const modulesOf = (update: Update): readonly PatchModule[] => [
  { name: update.module.name, role: "patch", target: null },
  ...update.parts,
];

export const engineRemoval = (update: Update): Removal => ({ id: update.id, modules: modulesOf(update) });

/** @param files the verified modules, in load order. */
export function engineChange(
  update: Update,
  files: readonly OpenFile[],
  replaces: readonly Update[],
): EngineChange {
  return {
    id: update.id,
    modules: modulesOf(update).map(({ name, role, target }, i) => {
      const file = files[i];
      if (file === undefined) throw new Error(`no file for ${name}`);
      return { name, role, target, file };
    }),
    objects: objectNames(update),
    replaces: replaces.map(({ module }) => module.name),
  };
}

export const objectNames = (update: Update): readonly ObjectName[] => update.objects.map(({ name }) => name);
