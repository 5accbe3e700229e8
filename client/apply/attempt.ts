import type { OpenFile } from "../../node/own_file.ts";
import type { Feed } from "../../node/transport/feed.ts";
import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { artifactsOf } from "../../shared/feed/artifacts.ts";
import type { Update } from "../../shared/feed/update.ts";
import { abortError } from "../engines/aborted.ts";
import { abortOf } from "../engines/causes.ts";
import type { Abort, Change } from "../engines/engine.ts";
import { absentObjects } from "../engines/module_load.ts";
import type { Ordered } from "../plan/order.ts";
import { openArtifact } from "../trust/artifacts.ts";
import type { TrustDir } from "../trust/trust_dir.ts";
import { requireRightFiles } from "./absent.ts";
import { changeOf, objectsOf } from "./change.ts";
import { matchUpdate } from "./match.ts";
import type { Matching, Patching } from "./patching.ts";
import type { Result } from "./result.ts";
import { requireFreeSlots } from "./slots.ts";

export interface Attempting extends Patching, Matching {
  readonly feed: Feed;
  readonly directory: TrustDir;
  readonly partial: boolean;
  readonly dryRun: boolean;
}

/** What belongs to the host, not to one update: nothing else is tried after it. */
const FATAL = ["not_permitted", "io", "locked"] as const;

/** Fetches, verifies and matches one update, and only then loads it. Nothing is loaded that was not written down. */
export async function attempt(step: Ordered, attempting: Attempting): Promise<Result> {
  const { id } = step.update;
  const files: OpenFile[] = [];
  try {
    for (const artifact of artifactsOf(step.update))
      files.push(await openArtifact(artifact, attempting.feed, attempting.directory));
    const { change, pending } = await prepare(step, files, attempting);
    const replaced = [...change.replaces, ...step.replacesForeign];
    if (attempting.stop.aborted) return unbegun(id);
    if (attempting.dryRun) return { id, result: "would_apply", pending, replaced };
    return await load(step, change, pending, attempting);
  } catch (error) {
    // A download that was broken off for it is no fault of the feed.
    if (attempting.stop.aborted && isCode(error, "unreachable")) return unbegun(id);
    // A fault of ours is not an outcome of the update.
    if (!(error instanceof RebootlessError) || FATAL.some((code) => isCode(error, code))) throw error;
    return { id, result: "failed", error };
  } finally {
    for (const file of files) file.close();
  }
}

/** Of an update whose turn did not come. */
export const unbegun = (id: UpdateId): Result => ({
  id,
  result: "left_out",
  why: { id, reason: "stopped" },
});

/** Everything short of loading. */
async function prepare(
  { update, replaces }: Ordered,
  files: readonly OpenFile[],
  attempting: Attempting,
): Promise<{ readonly change: Change; readonly pending: readonly ObjectName[] }> {
  const { system, updates, engines, progress, partial } = attempting;
  const bytes = artifactsOf(update).reduce((sum, { length }) => sum + length, 0);
  progress(
    `${update.id}: ${files.length === 1 ? "module" : "modules"} of ${counted(bytes, "byte")} verified`,
  );

  const gone = updates.filter(({ id }) => replaces.includes(id));
  const change = changeOf(update, files, gone);
  const engine = engines.for(update);
  const abort = await engine.preflight(change, { partial });
  if (abort) throw abortError(update.id, "apply", abort);
  const pending = await absentObjects(system, objectsOf(update));
  await requireRightFiles(update, pending, attempting.moduleFile);
  const matched = await match(without(update, pending), attempting);
  progress(
    `${update.id}: ${counted(matched.functions, "function")}, ${counted(matched.bytes, "byte")}, match the running kernel`,
  );
  await requireFreeSlots(update, await engines.loaded(), system);
  return { change, pending };
}

const without = (update: Update, pending: readonly ObjectName[]): Update => ({
  ...update,
  objects: update.objects.filter(({ name }) => !pending.includes(name)),
});

async function load(
  { update, replaces }: Ordered,
  change: Change,
  pending: readonly ObjectName[],
  attempting: Attempting,
): Promise<Result> {
  const { journal, engines, partial } = attempting;
  const { id, module } = update;
  await journal.write({ kind: "intent", act: "apply", id, module: module.name, pending, replaces });
  let mismatch: RebootlessError | undefined;
  const matchAgain = async (): Promise<Abort | undefined> => {
    mismatch = await refusal(() => match(without(update, pending), attempting));
    return mismatch && abortOf("no_match", mismatch.message);
  };
  const outcome = await engines.for(update).apply(change, { partial, matchAgain });
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

/** What memory has against an update; undefined where it has nothing. */
export async function refusal(check: () => Promise<unknown>): Promise<RebootlessError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (isCode(error, "runpre") || isCode(error, "unsupported")) return error;
    throw error;
  }
}

/** @param update with the objects alone that are loaded. */
export async function match(
  update: Update,
  matching: Matching & Pick<Patching, "engines" | "system">,
): Promise<{ readonly functions: number; readonly bytes: number }> {
  const { updates, landmarks, engines, system } = matching;
  const loaded = await engines.loaded();
  const memory = matching.memory();
  try {
    const running = { landmarks, memory, updates, loaded, sleep: (ms: number) => system.sleep(ms) };
    return await matchUpdate(update, running, matching.modules());
  } finally {
    memory.close();
  }
}
