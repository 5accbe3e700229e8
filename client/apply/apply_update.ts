import type { OpenFile } from "../../node/own_file.ts";
import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { artifactsOf } from "../../shared/feed/artifacts.ts";
import type { Update } from "../../shared/feed/update.ts";
import { abortError } from "../engines/aborted.ts";
import { abortOf } from "../engines/causes.ts";
import type { Abort, EngineChange } from "../engines/engine.ts";
import { absentObjects } from "../engines/module_load.ts";
import type { OrderedUpdate } from "../plan/order.ts";
import { openArtifact } from "../trust/artifacts.ts";
import { engineChange, objectNames } from "./engine_change.ts";
import { requireNoFtraceConflict } from "./ftrace_conflicts.ts";
import { matchError, matchNow } from "./match_now.ts";
import { requireRightModuleFiles } from "./module_files_check.ts";
import type { Result } from "./result.ts";
import type { ChangeRun, Offer, RunningKernel, Wish } from "./upgrade_parts.ts";

export interface ApplyParts {
  readonly kernel: RunningKernel;
  readonly offer: Offer;
  readonly wish: Pick<Wish, "partial" | "dryRun">;
  readonly run: ChangeRun;
}

/** Errors that concern the host and not one update. No other update is tried after them. */
const FATAL = ["not_permitted", "io", "locked"] as const;

/** Fetches, verifies and matches one update, and then loads it. The intent is in the journal before anything is loaded. */
export async function applyUpdate(step: OrderedUpdate, parts: ApplyParts): Promise<Result> {
  const { offer, wish, run } = parts;
  const { id } = step.update;
  const files: OpenFile[] = [];
  try {
    for (const artifact of artifactsOf(step.update))
      files.push(await openArtifact(artifact, offer.feed, offer.directory));
    const { change, pending } = await prepare(step, files, parts);
    const replaced = [...change.replaces, ...step.replacesForeign];
    if (run.stop.aborted) return notBegun(id);
    if (wish.dryRun) return { id, result: "would_apply", pending, replaced };
    return await load(step, change, pending, parts);
  } catch (error) {
    // A download that fails because the run was asked to end is not a fault of the feed.
    if (run.stop.aborted && isCode(error, "unreachable")) return notBegun(id);
    // An error in this program is not a result of the update.
    if (!(error instanceof RebootlessError) || FATAL.some((code) => isCode(error, code))) throw error;
    return { id, result: "failed", error };
  } finally {
    for (const file of files) file.close();
  }
}

/** The result of an update that the run did not come to before it was asked to end. */
export const notBegun = (id: UpdateId): Result => ({
  id,
  result: "left_out",
  why: { id, reason: "stopped" },
});

/** Does everything that comes before loading. */
async function prepare(
  { update, replaces }: OrderedUpdate,
  files: readonly OpenFile[],
  { kernel, offer, wish, run: { progress } }: ApplyParts,
): Promise<{ readonly change: EngineChange; readonly pending: readonly ObjectName[] }> {
  const { system, engines } = kernel;
  const bytes = artifactsOf(update).reduce((sum, { length }) => sum + length, 0);
  progress(
    `${update.id}: ${files.length === 1 ? "module" : "modules"} of ${counted(bytes, "byte")} verified`,
  );

  const replaced = offer.updates.filter(({ id }) => replaces.includes(id));
  const change = engineChange(update, files, replaced);
  const abort = await engines.for(update).preflight(change, { partial: wish.partial });
  if (abort) throw abortError(update.id, "apply", abort);
  const pending = await absentObjects(system, objectNames(update));
  await requireRightModuleFiles(update, pending, kernel.moduleFile);
  const matched = await matchNow(withoutObjects(update, pending), kernel, offer);
  progress(
    `${update.id}: ${counted(matched.functions, "function")}, ${counted(matched.bytes, "byte")}, match the running kernel`,
  );
  await requireNoFtraceConflict(update, await engines.loaded(), system);
  return { change, pending };
}

const withoutObjects = (update: Update, names: readonly ObjectName[]): Update => ({
  ...update,
  objects: update.objects.filter(({ name }) => !names.includes(name)),
});

async function load(
  { update, replaces }: OrderedUpdate,
  change: EngineChange,
  pending: readonly ObjectName[],
  { kernel, offer, wish: { partial }, run: { journal } }: ApplyParts,
): Promise<Result> {
  const { id, module } = update;
  await journal.write({ kind: "intent", act: "apply", id, module: module.name, pending, replaces });
  let mismatch: RebootlessError | undefined;
  const matchAgain = async (): Promise<Abort | undefined> => {
    mismatch = await matchError(() => matchNow(withoutObjects(update, pending), kernel, offer));
    return mismatch && abortOf("no_match", mismatch.message);
  };
  const outcome = await kernel.engines.for(update).apply(change, { partial, matchAgain });
  const written = { kind: "outcome", act: "apply", id } as const;
  if (outcome.outcome === "applied") {
    const milliseconds = Math.round(outcome.milliseconds);
    await journal.write({ ...written, done: true, cause: "", detail: "", milliseconds });
    return { id, result: "applied", milliseconds, pending, replaced: outcome.replaced };
  }
  const { cause, detail } = outcome;
  await journal.write({ ...written, done: false, cause, detail, milliseconds: 0 });
  return { id, result: "failed", error: mismatch ?? abortError(id, "apply", outcome) };
}
