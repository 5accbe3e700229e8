import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { notBegun } from "../apply/apply_update.ts";
import { hostState, type UpdateState } from "../apply/host_state.ts";
import { recoverInterrupted } from "../apply/recover_interrupted.ts";
import { type UndoParts, undoRemembered, undoUpdates } from "../apply/undo.ts";
import type { RunningKernel } from "../apply/upgrade_parts.ts";
import type { Context } from "../context.ts";
import type { Ledger } from "../journal/ledger.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";
import { changeRun } from "./change_run.ts";
import { Results } from "./results.ts";

export interface UndoOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

/** Takes updates out of the running kernel, dependents first. Needs neither a feed nor fresh metadata. */
export async function undo(context: Context, ids: readonly string[], options: UndoOptions): Promise<void> {
  const { places, terminal, lock, stop, record } = context;
  const { all = false, dryRun = false } = options;
  if (ids.length > 0 === all) throw new RebootlessError("usage", "name the updates to undo, or use --all");
  await lock.take();
  const host = await openHost(places);
  const verified = await lastVerified(host);
  record.host = host;
  record.manifest = verified?.manifest;
  const updates = verified?.manifest.updates ?? [];
  const results = new Results(context);
  const { kernel, run } = await changeRun(context, host, results);
  stop.heed();
  await results.of(
    "undo",
    () => ({ build_id: host.buildId, dry_run: dryRun }),
    async () => {
      const journal = await run.journal.open();
      const parts = { kernel, offer: { updates }, wish: { dryRun }, run: { ...run, journal } };
      await takeOut(parts, all ? undefined : ids);
      if (results.length === 0) terminal.say("Nothing to undo.");
    },
  );
}

interface TakeOutParts extends UndoParts {
  readonly kernel: RunningKernel;
}

/** @param ids the updates to take out; all if undefined. */
async function takeOut(parts: TakeOutParts, ids: readonly string[] | undefined): Promise<void> {
  const { kernel, run } = parts;
  const { updates } = parts.offer;
  if (!parts.wish.dryRun) await recoverInterrupted(kernel, updates, run);
  const state = hostState({ updates }, await kernel.engines.loaded());
  const inKernel = state.updates.filter(({ state: now }) => IN_KERNEL.has(now));
  const loaded = new Set(inKernel.map(({ update }) => update.id));
  const { applied: remembered } = run.journal.ledger;
  const wanted = ids
    ? new Set(ids.map((id) => known(id, updates, remembered)))
    : new Set([...loaded, ...remembered.keys()]);
  await undoUpdates(parts, loaded, wanted, () => "as you asked");
  for (const [id, { module }] of remembered) {
    if (!wanted.has(id) || loaded.has(id)) continue;
    await run.report(run.stop.aborted ? notBegun(id) : await undoRemembered(id, module, parts));
  }
}

const IN_KERNEL: ReadonlySet<UpdateState> = new Set(["applied", "transition", "disabled"]);

function known(text: string, updates: readonly Update[], remembered: Ledger["applied"]): UpdateId {
  const id = [...updates.map((update) => update.id), ...remembered.keys()].find((one) => one === text);
  if (id !== undefined) return id;
  throw new RebootlessError("usage", `no update is called ${text}`, {
    hint: "`rebootless status` lists them.",
  });
}
