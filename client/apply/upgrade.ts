import type { UpdateId } from "../../shared/brand.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { type LeftOut, orderUpdates } from "../../shared/feed/order.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";
import { abortError } from "../engines/aborted.ts";
import type { Change, Engine } from "../engines/engine.ts";
import { haveArtifact } from "../trust/artifacts.ts";
import type { Feed } from "../trust/feed.ts";
import type { TrustDir } from "../trust/trust_dir.ts";
import { matchUpdate } from "./match.ts";
import { appliedIds, type HostState, hostState } from "./state.ts";

/** What became of one update. */
export type Result =
  | { readonly id: UpdateId; readonly result: "applied"; readonly milliseconds: number }
  /** Everything short of loading was done and holds (`--dry-run`). */
  | { readonly id: UpdateId; readonly result: "would_apply" }
  | { readonly id: UpdateId; readonly result: "failed"; readonly error: RebootlessError }
  | { readonly id: UpdateId; readonly result: "left_out"; readonly why: LeftOut };

export interface UpgradeOptions {
  readonly manifest: KernelManifest;
  /** Called once before anything is fetched or loaded: has the host to itself and the whole chain verified, or throws. */
  readonly begin: () => Promise<void>;
  readonly engine: Engine;
  readonly feed: Feed;
  readonly directory: TrustDir;
  readonly memory: () => TextMemory & { close(): void };
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly dryRun: boolean;
  readonly progress: (line: string) => void;
}

/**
 * Applies what the manifest has and the kernel has not, in dependency order. Each update is fetched and verified,
 * matched against memory and only then loaded. One that fails leaves out its dependents and nothing else.
 */
export async function upgrade(options: UpgradeOptions): Promise<readonly Result[]> {
  const { manifest, engine } = options;
  const plan = async () => {
    const state = hostState(manifest, await engine.loaded());
    refuseUnclear(state);
    const applied = appliedIds(state);
    return { applied, ...orderUpdates(manifest.updates, applied) };
  };
  let { applied, updates, leftOut } = await plan();
  if (updates.length > 0) {
    await options.begin();
    ({ applied, updates, leftOut } = await plan()); // another run may have been at it meanwhile
  }
  const results: Result[] = leftOut.map((why) => ({ id: why.id, result: "left_out", why }));
  const standing = new Set(applied);
  for (const update of updates) {
    const needs = update.depends.find((id) => !standing.has(id));
    const result: Result = needs
      ? { id: update.id, result: "left_out", why: { id: update.id, reason: "missing", needs } }
      : await attempt(update, options);
    if (result.result === "applied" || result.result === "would_apply") standing.add(update.id);
    results.push(result);
  }
  return results;
}

/** A kernel in the middle of something is left to finish it; an impostor is for a person to look at. */
function refuseUnclear(state: HostState): void {
  for (const { update, state: now } of state.updates) {
    if (now === "transition") {
      throw new RebootlessError("apply", `${update.id} is in transition`, {
        hint: "Wait for it to end (`rebootless status`), or undo it.",
      });
    }
    if (now === "impostor") {
      throw new RebootlessError("trust", `a loaded patch calls itself ${update.module.name} and is another`, {
        hint: `It replaces other functions than were signed for under ${update.id}. Find out who loaded it.`,
      });
    }
  }
}

async function attempt(update: Update, options: UpgradeOptions): Promise<Result> {
  const { engine, feed, directory, dryRun, progress } = options;
  try {
    const file = await haveArtifact(update.module, feed, directory);
    progress(`${update.id}: module of ${update.module.length} bytes verified`);
    const matched = await match(update, options);
    progress(
      `${update.id}: ${matched.functions} functions, ${matched.bytes} bytes, match the running kernel`,
    );
    if (dryRun) return { id: update.id, result: "would_apply" };
    const outcome = await engine.apply(changeOf(update, file), { partial: false });
    if (outcome.outcome === "applied") {
      return { id: update.id, result: "applied", milliseconds: outcome.milliseconds };
    }
    throw abortError(update.id, "apply", outcome);
  } catch (error) {
    // A fault of ours is not an outcome of the update.
    if (error instanceof RebootlessError && !isCode(error, "not_permitted")) {
      return { id: update.id, result: "failed", error };
    }
    throw error;
  }
}

async function match(update: Update, { manifest, engine, memory: open, sleep }: UpgradeOptions) {
  const loaded = await engine.loaded();
  const memory = open();
  try {
    const { landmarks, updates } = manifest;
    return await matchUpdate(update, { landmarks, memory, updates, loaded, sleep });
  } finally {
    memory.close();
  }
}

const changeOf = (update: Update, file: string): Change => ({
  id: update.id,
  modules: [{ name: update.module.name, file, role: "patch", target: null }],
  objects: update.objects.map(({ name }) => name),
  replaces: [],
});
