import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import { Superseding } from "../../shared/feed/superseding.ts";
import type { EngineName, Update } from "../../shared/feed/update.ts";
import { abortError } from "../engines/aborted.ts";
import type { Removal } from "../engines/engine.ts";
import { parseModuleName } from "../engines/ksplice/names.ts";
import { orderUndo } from "../plan/undo_order.ts";
import { notBegun } from "./apply_update.ts";
import { engineRemoval } from "./engine_change.ts";
import type { Result } from "./result.ts";
import type { ChangeRun, Offer, RunningKernel, Wish } from "./upgrade_parts.ts";

export interface UndoParts {
  readonly kernel: Pick<RunningKernel, "engines">;
  readonly offer: Pick<Offer, "updates">;
  readonly wish: Pick<Wish, "dryRun">;
  readonly run: ChangeRun;
}

/**
 * Takes updates out of the kernel, each after the updates that depend on it. An update that cannot be taken out keeps
 * the updates that it depends on, and no others.
 *
 * @param loaded the updates that are in the kernel, in force or not.
 */
export async function undoUpdates(
  parts: UndoParts,
  loaded: ReadonlySet<UpdateId>,
  wanted: ReadonlySet<UpdateId>,
  why: (id: UpdateId) => string,
): Promise<void> {
  const { updates } = parts.offer;
  const { report, stop } = parts.run;
  const superseding = new Superseding(updates);
  const left = new Set(loaded);
  const stuck: Update[] = [];
  for (const update of orderUndo(updates, loaded, wanted)) {
    const { id } = update;
    const without = new Set([...left].filter((other) => other !== id));
    const bare = (needed: UpdateId) => superseding.met(needed, left) && !superseding.met(needed, without);
    const dependent = stuck.find(({ depends }) => depends.some(bare));
    const reason = wanted.has(id) ? why(id) : "what it depends on goes";
    const result: Result = stop.aborted
      ? notBegun(id)
      : dependent
        ? { id, result: "left_out", why: { id, reason: "needed", by: dependent.id } }
        : await takeOut(
            { ...update, module: update.module.name, removal: engineRemoval(update) },
            parts,
            reason,
          );
    if (result.result === "undone" || result.result === "would_undo") left.delete(id);
    else stuck.push(update);
    await report(result);
  }
}

/**
 * Undoes an update by the name of its module alone. For an update in the journal that is not in the kernel, or that no
 * manifest names any more.
 */
export function undoRemembered(id: UpdateId, module: ObjectName, parts: UndoParts): Promise<Result> {
  const engine = parseModuleName(module) ? "ksplice" : "livepatch";
  const removal: Removal = { id, modules: [{ name: module, role: "patch", target: null }] };
  return takeOut({ id, engine, module, removal }, parts, "it is not wanted any more");
}

interface Leaving {
  readonly id: UpdateId;
  readonly engine: EngineName;
  readonly module: ObjectName;
  readonly removal: Removal;
}

async function takeOut(
  leaving: Leaving,
  { kernel: { engines }, wish: { dryRun }, run: { journal } }: UndoParts,
  why: string,
): Promise<Result> {
  const { id, module } = leaving;
  if (dryRun) return { id, result: "would_undo", why };
  await journal.write({ kind: "intent", act: "undo", id, module, pending: [], replaces: [] });
  const outcome = await engines.for(leaving).undo(leaving.removal);
  const written = { kind: "outcome", act: "undo", id } as const;
  if (outcome.outcome === "undone") {
    const milliseconds = Math.round(outcome.milliseconds);
    await journal.write({ ...written, done: true, cause: "", detail: "", milliseconds });
    return { id, result: "undone", milliseconds, why };
  }
  const { cause, detail } = outcome;
  await journal.write({ ...written, done: false, cause, detail, milliseconds: 0 });
  return { id, result: "failed", error: abortError(id, "undo", outcome) };
}
