import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import { Superseding } from "../../shared/feed/superseding.ts";
import type { EngineName, Update } from "../../shared/feed/update.ts";
import { abortError } from "../engines/aborted.ts";
import type { Removal } from "../engines/engine.ts";
import { parseModuleName } from "../engines/ksplice/names.ts";
import { orderUndo } from "../plan/undo_order.ts";
import { unbegun } from "./attempt.ts";
import { removalOf } from "./change.ts";
import type { Patching } from "./patching.ts";
import type { Result } from "./result.ts";

export interface Undoing extends Patching {
  readonly dryRun: boolean;
}

/**
 * Takes updates out of the kernel, and before each whatever would be left without it. One that will not go keeps
 * what it depends on, and nothing else.
 *
 * @param standing what is in the kernel, in force or not.
 */
export async function undoUpdates(
  undoing: Undoing,
  standing: ReadonlySet<UpdateId>,
  wanted: ReadonlySet<UpdateId>,
  why: (id: UpdateId) => string,
): Promise<void> {
  const { updates, report, stop } = undoing;
  const superseding = new Superseding(updates);
  const left = new Set(standing);
  const stuck: Update[] = [];
  for (const update of orderUndo(updates, standing, wanted)) {
    const { id } = update;
    const without = new Set([...left].filter((other) => other !== id));
    const bare = (needed: UpdateId) => superseding.met(needed, left) && !superseding.met(needed, without);
    const holds = stuck.find(({ depends }) => depends.some(bare));
    const reason = wanted.has(id) ? why(id) : "what it depends on goes";
    const result: Result = stop.aborted
      ? unbegun(id)
      : holds
        ? { id, result: "left_out", why: { id, reason: "needed", by: holds.id } }
        : await takeOut(
            { ...update, module: update.module.name, removal: removalOf(update) },
            undoing,
            reason,
          );
    if (result.result === "undone" || result.result === "would_undo") left.delete(id);
    else stuck.push(update);
    await report(result);
  }
}

/** One that the journal remembers and the kernel has not, or that no manifest names any more: by its module alone. */
export function undoRemembered(id: UpdateId, module: ObjectName, undoing: Undoing): Promise<Result> {
  const engine = parseModuleName(module) ? "ksplice" : "livepatch";
  const removal: Removal = { id, modules: [{ name: module, role: "patch", target: null }] };
  return takeOut({ id, engine, module, removal }, undoing, "it is not wanted any more");
}

interface Leaving {
  readonly id: UpdateId;
  readonly engine: EngineName;
  readonly module: ObjectName;
  readonly removal: Removal;
}

async function takeOut(
  leaving: Leaving,
  { journal, engines, dryRun }: Undoing,
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
