import { orderUpdates } from "../../shared/feed/order.ts";
import { appliedIds, hostState } from "../apply/state.ts";
import type { Context } from "../context.ts";
import { livepatchEngine } from "../engines/livepatch.ts";
import { openHost } from "../host/host.ts";
import { httpFeed } from "../trust/feed.ts";
import { poll } from "../trust/poll.ts";
import { kernelLine, leftOutLine, pollLine, updateLine } from "./describe.ts";

/** Polls the feed, verifies, and says what an upgrade would apply. Changes nothing but the cache. */
export async function check({ places, terminal, clock, system }: Context): Promise<void> {
  const host = await openHost(places);
  const feed = httpFeed(host.config.feed);
  const start = performance.now();
  const polled = await poll({ ...host, feed, clock });
  const milliseconds = Math.round(performance.now() - start);
  const state = hostState(polled.manifest, await (await livepatchEngine({ system })).loaded());
  const { updates, leftOut } = orderUpdates(polled.manifest.updates, appliedIds(state));

  terminal.say(kernelLine(host.kernel));
  terminal.say(pollLine(polled, feed.traffic, milliseconds));
  for (const update of updates) terminal.say(updateLine(update, "available"));
  for (const why of leftOut) terminal.say(leftOutLine(why));
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
