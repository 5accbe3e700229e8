import { formatInstant } from "../../shared/time.ts";
import { beginLine } from "../conditions/condition.ts";
import { conditionToJson, shownConditions } from "../conditions/conditions_file.ts";
import type { Context } from "../context.ts";
import { killSwitch } from "../host/kill_switch.ts";
import { hostMembers } from "../report/host_json.ts";
import { type HostView, viewHost } from "../report/host_view.ts";
import type { Host } from "../this_host.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";
import { holdLine, kernelLine, participle, updateLine } from "./describe.ts";

/** Shows what is in force now, by what the kernel says and what was verified last. Makes no request. */
export async function status(context: Context): Promise<void> {
  const { places, terminal, system } = context;
  const host = await openHost(places);
  const verified = await lastVerified(host);
  const view = await viewHost(context, host, verified?.manifest);
  const off = await killSwitch(places, system);
  const conditions = await shownConditions(places.stateDir);
  for (const line of kernelLines(host, view)) terminal.say(line);
  if (!verified) terminal.say("feed     nothing has been verified yet: run `rebootless check`");
  if (off !== undefined) terminal.say(`off      scheduled runs and runs at boot change nothing: ${off}`);
  for (const condition of conditions) terminal.say(`lasting  ${beginLine(condition)}`);
  for (const line of updateLines(view)) terminal.say(line);
  if (view.state.updates.length + view.state.foreign.length === 0) terminal.say("No updates.");
  terminal.result("status", {
    build_id: host.buildId,
    release: host.kernel.release,
    verified: verified !== undefined,
    ...hostMembers(host, view),
    conditions: conditions.map(conditionToJson),
    switched_off: off ?? null,
  });
}

function* kernelLines({ kernel }: Host, { effective }: HostView): Generator<string> {
  yield kernelLine(kernel);
  if (effective !== kernel.release) yield `release  with the fixes of ${effective}`;
}

function* updateLines({
  state,
  inForce,
  journal,
  differences,
  withheld,
  policy,
}: HostView): Generator<string> {
  for (const { update, state: now } of state.updates) {
    const why = now === "available" ? withheld.get(update.id) : undefined;
    yield `${updateLine(update, now)}${why ? `, ${why.detail}` : ""}`;
    const pending = inForce.get(update.id) ?? [];
    if (pending.length > 0) yield `           pending until they are loaded: ${pending.join(", ")}`;
  }
  for (const patch of state.foreign) {
    const kind = patch.replaces === true ? ", an atomic replace" : "";
    yield `${patch.state.padEnd(10)} ${patch.name}: not from this feed${kind} (${patch.functions.join(", ")})`;
  }
  for (const [id, { act, at }] of journal.ledger.suspects) {
    yield `suspect    ${id}: the host went down after ${formatInstant(at)}, while this was being ${participle(act)}`;
  }
  for (const { id, detail } of differences) yield `differs    ${id}: ${detail}`;
  for (const hold of policy.holds) yield holdLine(hold, state);
}
