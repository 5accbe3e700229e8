import type { Update } from "../../shared/feed/update.ts";
import { jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import { differences } from "../apply/differences.ts";
import { hostJournal } from "../apply/host_journal.ts";
import { pendingNow } from "../apply/pending.ts";
import { hostState } from "../apply/state.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import { openHost } from "../host/host.ts";
import { killSwitch } from "../host/kill_switch.ts";
import { lastVerified } from "../trust/poll.ts";
import { kernelLine, updateLine } from "./describe.ts";

/** What is in force now, by what the kernel says, named by what was verified last. Makes no request. */
export async function status(context: Context): Promise<void> {
  const { places, terminal, system } = context;
  const host = await openHost(places);
  const verified = await lastVerified(host);
  const loaded = await engines({ system }).loaded();
  const state = hostState(verified?.manifest, loaded);
  const journal = await hostJournal(context, host);
  const view = await journal.read();
  const differing = differences(state, view, journal.boot);
  const pendingOf = (update: Update) => pendingNow(update, loaded, view.ledger);
  const off = await killSwitch(places, system);
  terminal.say(kernelLine(host.kernel));
  if (!verified) terminal.say("feed     nothing verified yet: run `rebootless check`");
  if (off !== undefined) terminal.say(`off      runs at boot and on schedule change nothing: ${off}`);
  for (const { update, state: now } of state.updates) {
    terminal.say(updateLine(update, now));
    const pending = pendingOf(update);
    if (pending.length > 0) terminal.say(`           pending until they are loaded: ${pending.join(", ")}`);
  }
  for (const patch of state.foreign) {
    terminal.say(
      `${patch.state.padEnd(10)} ${patch.name}: not from this feed (${patch.functions.join(", ")})`,
    );
  }
  for (const [id, { act, at }] of view.ledger.suspects) {
    const when = formatInstant(at);
    terminal.say(`suspect    ${id}: the host went down after ${when}, while it was to ${act} this`);
  }
  for (const { id, detail } of differing) terminal.say(`differs    ${id}: ${detail}`);
  if (state.updates.length + state.foreign.length === 0) terminal.say("No updates.");
  terminal.result("status", {
    build_id: host.buildId,
    release: host.kernel.release,
    verified: verified !== undefined,
    updates: state.updates.map(({ update, state: now }) =>
      jsonObject({
        id: update.id,
        module: update.module.name,
        state: now,
        recalled: update.recalled,
        pending: pendingOf(update),
      }),
    ),
    foreign: state.foreign.map((patch) => jsonObject({ name: patch.name, state: patch.state })),
    suspects: [...view.ledger.suspects].map(([id, { act, at, boot }]) =>
      jsonObject({ id, act, at: formatInstant(at), boot }),
    ),
    differences: differing.map(({ id, difference }) => jsonObject({ id, difference })),
    switched_off: off ?? null,
  });
}
