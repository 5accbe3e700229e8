import { EXIT } from "../../shared/exit_codes.ts";
import { hostJournal } from "../apply/host_journal.ts";
import { stateAndPlan } from "../apply/state_and_plan.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import { withheldUpdates } from "../plan/withheld.ts";
import { policyOf } from "../policy/policy.ts";
import { openHost } from "../this_host.ts";
import { kernelLine, leftOutLine, pollLine, updateLine } from "./describe.ts";
import { type PollingOptions, pollFeed } from "./polling.ts";

export interface CheckOptions extends PollingOptions {
  /** Whether to exit with a code of its own if there is something to apply. */
  readonly exitCode?: boolean;
}

/** Polls the feed, verifies the answer, and reports what an upgrade would apply. Changes only the cache. */
export async function check(context: Context, options: CheckOptions): Promise<void> {
  const { places, terminal, system, clock } = context;
  const host = await openHost(places);
  const { polled, feed, milliseconds } = await pollFeed(context, host, options);
  const { updates: all } = polled.manifest;
  const { ledger } = await (await hostJournal(context, host)).read();
  const { plan } = await stateAndPlan(all, engines({ system }), ledger, {
    asked: undefined,
    withheld: withheldUpdates(await policyOf(host.config, places, system), all, clock()),
    replaceOthers: false,
  });
  const updates = plan.steps.map(({ update }) => update);
  const { leftOut } = plan;

  if (options.exitCode && updates.length > 0) context.exitWith(EXIT.available);
  terminal.say(kernelLine(host.kernel));
  terminal.say(pollLine(polled, feed.traffic, milliseconds));
  for (const update of updates) terminal.say(updateLine(update, "available"));
  for (const why of leftOut) if (why.reason !== "superseded") terminal.say(leftOutLine(why));
  terminal.say(
    updates.length === 0 ? "Nothing to apply." : `${updates.length} to apply: run \`rebootless upgrade\`.`,
  );
  terminal.result("check", {
    build_id: host.buildId,
    release: host.kernel.release,
    changed: polled.changed,
    requests: feed.traffic.requests,
    bytes: feed.traffic.bytes,
    milliseconds,
    available: updates.map((update) => update.id),
    left_out: leftOut.map((why) => why.id),
  });
}
