import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import { isCode } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { KERNEL_OBJECT } from "../../shared/runpre/file/header.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import { absentObjects } from "../engines/module_load.ts";
import type { RunningModules } from "../host/modules.ts";
import type { Ledger } from "../journal/ledger.ts";
import { requireRightFiles } from "./absent.ts";
import { match, refusal } from "./attempt.ts";
import type { Matching } from "./patching.ts";
import { patchName } from "./state.ts";
import { type Undoing, undoUpdates } from "./undo.ts";

/** What has to be looked at again of an update in force. */
export interface Unsettled {
  readonly update: Update;
  /** Objects that were not loaded when it was applied, so that their code was not matched. */
  readonly pending: readonly ObjectName[];
  /** Modules that are loaded in another build than it was made for: they were unloaded and came back. */
  readonly strays: readonly ObjectName[];
}

export function unsettledUpdates(
  updates: readonly Update[],
  applied: ReadonlySet<UpdateId>,
  { standing }: Pick<Ledger, "standing">,
  modules: () => RunningModules,
): readonly Unsettled[] {
  return updates
    .filter(({ id }) => applied.has(id))
    .map((update) => ({
      update,
      pending: standing.get(update.id)?.pending ?? [],
      strays: straysOf(update, modules),
    }))
    .filter(({ pending, strays }) => pending.length + strays.length > 0);
}

function straysOf({ objects }: Update, modules: () => RunningModules): readonly ObjectName[] {
  const strays = objects.filter(({ name, buildId }) => {
    const loaded = name === KERNEL_OBJECT ? undefined : modules().find(name);
    return loaded !== undefined && loaded.buildId !== (buildId ?? undefined);
  });
  return strays.map(({ name }) => name);
}

/** Objects that an update in force does not change yet: the kernel says it where it can (6.1), else the journal. */
export function pendingNow(
  update: Update,
  loaded: readonly LoadedPatch[],
  { standing }: Pick<Ledger, "standing">,
): readonly string[] {
  const patch = loaded.find(({ name }) => name === patchName(update));
  if (!patch) return [];
  const unmatched: readonly string[] = standing.get(update.id)?.pending ?? [];
  const said = patch.objects.filter(({ name, patched }) => patched === false || unmatched.includes(name));
  return said.map(({ name }) => name);
}

/**
 * Matches what has been loaded since. The kernel patched it by name when it came: an update that turns out to be in
 * other code than it was made for is taken out. Of what is still not loaded the file is looked at again.
 *
 * @returns updates that are not to be tried again in this run.
 */
export async function recheckPending(
  undoing: Undoing & Matching,
  applied: ReadonlySet<UpdateId>,
): Promise<readonly UpdateId[]> {
  const { updates, journal, system, report, dryRun } = undoing;
  const wrong: UpdateId[] = [];
  for (const { update, pending, strays } of unsettledUpdates(
    updates,
    applied,
    journal.ledger,
    undoing.modules,
  )) {
    const { id } = update;
    const absent = await absentObjects(system, pending);
    const objects = [...new Set([...pending, ...strays])].filter((name) => !absent.includes(name));
    const come = update.objects.filter(({ name }) => objects.includes(name));
    const mismatch =
      come.length === 0 ? undefined : await refusal(() => match({ ...update, objects: come }, undoing));
    if (mismatch) {
      wrong.push(id);
      await report({ id, result: "failed", error: mismatch });
      // What cannot be looked at is no proof of anything: the next run looks again.
      if (!isCode(mismatch, "runpre")) continue;
      const why = `${objects.join(", ")} is not the code that it was made for`;
      await undoUpdates(undoing, applied, new Set([id]), () => why);
      continue;
    }
    if (objects.length > 0) {
      if (!dryRun) await journal.write({ kind: "matched", id, objects });
      await report({ id, result: "matched", objects });
    }
    const file = await refusal(() => requireRightFiles(update, absent, undoing.moduleFile));
    if (file) await report({ id, result: "failed", error: file });
  }
  return wrong;
}
