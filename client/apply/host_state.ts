import type { Update } from "../../shared/feed/update.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import { parseModuleName } from "../engines/ksplice/names.ts";

/**
 * The state of an update at this moment, by what the kernel says.
 * - `available`: it is not loaded. `recalled`: it is not loaded, and it was recalled.
 * - `applied`, `transition`, `disabled`: it is loaded, with the functions that were signed for.
 * - `impostor`: a patch of its name is loaded that replaces other functions than were signed for.
 */
export type UpdateState = "available" | "recalled" | "applied" | "transition" | "disabled" | "impostor";

export interface UpdateAndState {
  readonly update: Update;
  readonly state: UpdateState;
}

export interface HostState {
  readonly updates: readonly UpdateAndState[];
  /** Loaded patches that the manifest does not know. */
  readonly foreign: readonly LoadedPatch[];
}

export function hostState(
  manifest: { readonly updates: readonly Update[] } | undefined,
  loaded: readonly LoadedPatch[],
): HostState {
  const updates = manifest?.updates ?? [];
  const byName = new Map(loaded.map((patch) => [patch.name, patch] as const));
  const ours = new Set(updates.map(patchName));
  return {
    updates: updates.map((update) => ({ update, state: stateOf(update, byName.get(patchName(update))) })),
    foreign: loaded.filter((patch) => !ours.has(patch.name)),
  };
}

export const appliedIds = (state: HostState) =>
  new Set(state.updates.filter((s) => s.state === "applied").map((s) => s.update.id));

/** Returns the name under which the kernel lists an update. Ksplice's is made from the id in the module's name. */
export function patchName({ engine, module }: Update): string {
  const kid = engine === "ksplice" ? parseModuleName(module.name)?.kid : undefined;
  return kid === undefined ? module.name : `ksplice_${kid}`;
}

function stateOf(update: Update, patch: LoadedPatch | undefined): UpdateState {
  if (!patch) return update.recalled === null ? "available" : "recalled";
  if (patch.engine !== update.engine) return "impostor";
  // Ksplice does not say which functions it replaced.
  return patch.engine === "ksplice" || sameFunctions(update, patch) ? patch.state : "impostor";
}

/**
 * Compares functions by object and name. The position that the kernel adds to a name counts symbols in the kernel's own
 * order, which the manifest does not have.
 */
function sameFunctions(update: Update, patch: LoadedPatch): boolean {
  const signed = update.objects.flatMap((o) => o.functions.map((fn) => `${o.name}/${fn.name}`)).sort();
  const running = patch.functions.map((entry) => entry.replace(/,\d+$/, "")).sort();
  return signed.length === running.length && signed.every((name, i) => name === running[i]);
}
