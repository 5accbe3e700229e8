import { type BuildId, type ObjectName, VMLINUX } from "../../shared/brand.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { FingerprintedObject } from "../../shared/runpre/file/header.ts";
import type { KernelLandmarks, TextMemory } from "../../shared/runpre/fingerprint.ts";
import { placeObject } from "../apply/place_object.ts";
import type { RunningModules } from "../host/modules.ts";
import { type FunctionSet, functionList } from "./function_set.ts";

/** The functions of a module, at the offsets that its fingerprints give them. */
export interface ModuleSet extends FunctionSet {
  readonly object: Pick<FingerprintedObject, "name" | "layout"> & { readonly buildId: BuildId | null };
}

/** The modules of which there are fingerprints, by whether they are loaded. */
export interface PlacedModules {
  /** The functions of loaded modules, at their places in the running kernel. */
  readonly sets: readonly FunctionSet[];
  readonly notLoaded: readonly ObjectName[];
  /** The loaded modules that are not the build that was fingerprinted. */
  readonly otherBuilds: readonly OtherBuild[];
}

export interface OtherBuild {
  readonly name: ObjectName;
  readonly wanted: BuildId;
  readonly found: BuildId | undefined;
}

/** Returns the functions of modules that a kernel's updates replace, for each update and module. */
export const modulesOfManifest = ({ kernel, landmarks, updates }: KernelManifest): readonly ModuleSet[] =>
  updates.flatMap(({ objects }) =>
    objects
      .filter(({ name, functions }) => name !== VMLINUX && functions.length > 0)
      .map(({ functions, ...object }) => ({ kernel, landmarks, object, ...functionList(functions) })),
  );

/**
 * Finds modules in the running kernel.
 *
 * @throws RebootlessError `unsupported` for a module whose place the kernel does not say.
 */
export function placeModules(
  fingerprinted: readonly ModuleSet[],
  landmarks: KernelLandmarks,
  memory: TextMemory,
  modules: RunningModules,
): PlacedModules {
  const sets: FunctionSet[] = [];
  const notLoaded: ObjectName[] = [];
  const otherBuilds: OtherBuild[] = [];
  for (const set of fingerprinted) {
    const { name } = set.object;
    const placed = placeObject({ ...set.object, functions: [] }, { landmarks, memory }, modules);
    if (placed.outcome === "not_loaded") notLoaded.push(name);
    else if (placed.outcome === "other_build") otherBuilds.push({ name, ...placed });
    else {
      const at = (i: number) => placed.bind(set.at(i));
      const offset = (i: number) => at(i).offset;
      const { landmarks: own, moves } = placed;
      sets.push({ ...set, landmarks: own, moves, at, offset, runs: null });
    }
  }
  return { sets, notLoaded, otherBuilds };
}
