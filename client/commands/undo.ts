import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { unbegun } from "../apply/attempt.ts";
import { settleOpen } from "../apply/settle.ts";
import { hostState, type UpdateState } from "../apply/state.ts";
import { type Undoing, undoRemembered, undoUpdates } from "../apply/undo.ts";
import type { Context } from "../context.ts";
import { openHost } from "../host/host.ts";
import type { Ledger } from "../journal/ledger.ts";
import { lastVerified } from "../trust/poll.ts";
import { Results } from "./results.ts";
import { atHand } from "./upgrade.ts";

export interface UndoOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

/** Takes updates out of the running kernel, dependents first. Needs no feed, and no metadata that is fresh. */
export async function undo(context: Context, ids: readonly string[], options: UndoOptions): Promise<void> {
  const { places, terminal, lock, stop, record } = context;
  const { all = false, dryRun = false } = options;
  if (ids.length > 0 === all) throw new RebootlessError("usage", "say which updates to undo, or --all");
  await lock.take();
  const host = await openHost(places);
  const verified = await lastVerified(host);
  record.host = host;
  record.manifest = verified?.manifest;
  const updates = verified?.manifest.updates ?? [];
  const results = new Results(context);
  const hand = await atHand(context, host, results);
  stop.heed();
  await results.of(
    "undo",
    () => ({ build_id: host.buildId, dry_run: dryRun }),
    async () => {
      const journal = await hand.journal.open();
      await takeOut({ ...hand, updates, journal, dryRun }, all ? undefined : ids);
      if (results.length === 0) terminal.say("Nothing to undo.");
    },
  );
}

/** @param ids all, if undefined. */
async function takeOut(undoing: Undoing, ids: readonly string[] | undefined): Promise<void> {
  const { updates, engines, journal, stop, report } = undoing;
  if (!undoing.dryRun) await settleOpen(undoing);
  const state = hostState({ updates }, await engines.loaded());
  const loaded = state.updates.filter(({ state: now }) => IN_KERNEL.has(now));
  const standing = new Set(loaded.map(({ update }) => update.id));
  const { standing: remembered } = journal.ledger;
  const wanted = ids
    ? new Set(ids.map((id) => known(id, updates, remembered)))
    : new Set([...standing, ...remembered.keys()]);
  await undoUpdates(undoing, standing, wanted, () => "as you asked");
  for (const [id, { module }] of remembered) {
    if (!wanted.has(id) || standing.has(id)) continue;
    await report(stop.aborted ? unbegun(id) : await undoRemembered(id, module, undoing));
  }
}

const IN_KERNEL: ReadonlySet<UpdateState> = new Set(["applied", "transition", "disabled"]);

function known(text: string, updates: readonly Update[], remembered: Ledger["standing"]): UpdateId {
  const id = [...updates.map((update) => update.id), ...remembered.keys()].find((one) => one === text);
  if (id !== undefined) return id;
  throw new RebootlessError("usage", `no update is called ${text}`, {
    hint: "`rebootless status` lists them.",
  });
}
