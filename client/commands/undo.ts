import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { orderUndo } from "../../shared/feed/order.ts";
import type { Update } from "../../shared/feed/update.ts";
import { jsonObject } from "../../shared/json.ts";
import { hostState } from "../apply/state.ts";
import type { Context } from "../context.ts";
import { abortError, progressTo } from "../engines/aborted.ts";
import type { Engine } from "../engines/engine.ts";
import { livepatchEngine } from "../engines/livepatch.ts";
import { openHost } from "../host/host.ts";
import { lastVerified } from "../trust/poll.ts";

/** Takes updates out of the running kernel, dependents first. Needs no feed, and no metadata that is fresh. */
export async function undo(
  { places, terminal, system, lock }: Context,
  ids: readonly string[],
  options: { readonly all?: boolean },
): Promise<void> {
  if (ids.length > 0 === (options.all ?? false)) {
    throw new RebootlessError("usage", "say which updates to undo, or --all");
  }
  await lock.take();
  const host = await openHost(places);
  const verified = await lastVerified(host);
  const engine = livepatchEngine({ system, progress: progressTo(terminal.progress) });
  const state = hostState(verified?.manifest, await engine.loaded());
  const loaded = state.updates.filter(({ state: now }) =>
    ["applied", "transition", "disabled"].includes(now),
  );
  const standing = new Set(loaded.map(({ update }) => update.id));
  const wanted = options.all ? standing : new Set(ids.map((id) => known(id, verified?.manifest.updates)));

  const undone = orderUndo(verified?.manifest.updates ?? [], standing, wanted);
  const results = [];
  for (const update of undone) {
    const milliseconds = await undoOne(engine, update);
    terminal.say(`undone     ${update.id} in ${milliseconds} ms`);
    results.push(jsonObject({ id: update.id, result: "undone", milliseconds }));
  }
  if (undone.length === 0) terminal.say("Nothing to undo.");
  terminal.result("undo", { build_id: host.buildId, results });
}

function known(text: string, updates: readonly Update[] = []): UpdateId {
  const update = updates.find(({ id }) => id === text);
  if (update) return update.id;
  throw new RebootlessError("usage", `no update is called ${text}`, {
    hint: "`rebootless status` lists them.",
  });
}

async function undoOne(engine: Engine, update: Update): Promise<number> {
  const patch = { name: update.module.name, role: "patch", target: null } as const;
  const outcome = await engine.undo({ id: update.id, modules: [patch] });
  if (outcome.outcome === "undone") return Math.round(outcome.milliseconds);
  throw abortError(update.id, "undo", outcome);
}
