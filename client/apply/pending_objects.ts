import { type ObjectName, type UpdateId, VMLINUX } from "../../shared/brand.ts";
import { isCode } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import { absentObjects } from "../engines/module_load.ts";
import type { RunningModules } from "../host/modules.ts";
import type { Ledger } from "../journal/ledger.ts";
import { patchName } from "./host_state.ts";
import { matchError, matchNow } from "./match_now.ts";
import { requireRightModuleFiles } from "./module_files_check.ts";
import { undoUpdates } from "./undo.ts";
import type { ChangeRun, Offer, RunningKernel, Wish } from "./upgrade_parts.ts";

/** An applied update of which some objects have to be matched, or matched again. */
export interface UncheckedUpdate {
  readonly update: Update;
  /** Objects that were not loaded when the update was applied, so that their code was not matched. */
  readonly pending: readonly ObjectName[];
  /** Modules that were unloaded and loaded again in another build than the update was made for. */
  readonly strays: readonly ObjectName[];
}

export function uncheckedUpdates(
  updates: readonly Update[],
  applied: ReadonlySet<UpdateId>,
  ledger: Pick<Ledger, "applied">,
  modules: () => RunningModules,
): readonly UncheckedUpdate[] {
  return updates
    .filter(({ id }) => applied.has(id))
    .map((update) => ({
      update,
      pending: ledger.applied.get(update.id)?.pending ?? [],
      strays: straysOf(update, modules),
    }))
    .filter(({ pending, strays }) => pending.length + strays.length > 0);
}

function straysOf({ objects }: Update, modules: () => RunningModules): readonly ObjectName[] {
  const strays = objects.filter(({ name, buildId }) => {
    const loaded = name === VMLINUX ? undefined : modules().find(name);
    return loaded !== undefined && loaded.buildId !== (buildId ?? undefined);
  });
  return strays.map(({ name }) => name);
}

/**
 * Lists the objects that an applied update does not change yet: by what the kernel says where it does (since 6.1), else
 * by the journal.
 */
export function pendingNow(
  update: Update,
  loaded: readonly LoadedPatch[],
  { applied }: Pick<Ledger, "applied">,
): readonly string[] {
  const patch = loaded.find(({ name }) => name === patchName(update));
  if (!patch) return [];
  const unmatched: readonly string[] = applied.get(update.id)?.pending ?? [];
  const pending = patch.objects.filter(({ name, patched }) => patched === false || unmatched.includes(name));
  return pending.map(({ name }) => name);
}

export interface RecheckParts {
  readonly kernel: RunningKernel;
  readonly offer: Pick<Offer, "updates" | "landmarks">;
  readonly wish: Pick<Wish, "dryRun">;
  readonly run: ChangeRun;
}

/**
 * Matches objects that have been loaded since their update was applied. The kernel patched them by name when they were
 * loaded; if their code is not what the update was made for, the update is taken out. The files of objects that are still
 * not loaded are checked again.
 *
 * @returns the updates that must not be tried again in this run.
 */
export async function recheckPending(
  parts: RecheckParts,
  applied: ReadonlySet<UpdateId>,
): Promise<readonly UpdateId[]> {
  const { kernel, offer, wish, run } = parts;
  const { journal, report } = run;
  const wrong: UpdateId[] = [];
  const unchecked = uncheckedUpdates(offer.updates, applied, journal.ledger, kernel.modules);
  for (const { update, pending, strays } of unchecked) {
    const { id } = update;
    const absent = await absentObjects(kernel.system, pending);
    const names = [...new Set([...pending, ...strays])].filter((name) => !absent.includes(name));
    const objects = update.objects.filter(({ name }) => names.includes(name));
    const mismatch =
      objects.length === 0
        ? undefined
        : await matchError(() => matchNow({ ...update, objects }, kernel, offer));
    if (mismatch) {
      wrong.push(id);
      await report({ id, result: "failed", error: mismatch });
      // An object that cannot be matched proves nothing; the next run tries again.
      if (!isCode(mismatch, "runpre")) continue;
      const why = `${names.join(", ")} is not the code that it was made for`;
      await undoUpdates(parts, applied, new Set([id]), () => why);
      continue;
    }
    if (names.length > 0) {
      if (!wish.dryRun) await journal.write({ kind: "matched", id, objects: names });
      await report({ id, result: "matched", objects: names });
    }
    const fileError = await matchError(() => requireRightModuleFiles(update, absent, kernel.moduleFile));
    if (fileError) await report({ id, result: "failed", error: fileError });
  }
  return wrong;
}
