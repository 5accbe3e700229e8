import type { Context } from "../context.ts";
import type { Host } from "../host/host.ts";
import { type Feed, httpFeed } from "../trust/feed.ts";
import { staleness } from "../trust/freshness.ts";
import { type Polled, poll, pollCache } from "../trust/poll.ts";

/** Options of every command that asks the feed. */
export interface PollingOptions {
  /** Make no request: use what was verified before. */
  readonly offline?: boolean;
  /** Takes the place of the configuration's `accept_stale`. */
  readonly acceptStale?: string;
}

export interface Polling {
  readonly polled: Polled;
  readonly feed: Feed;
  readonly milliseconds: number;
}

/** Asks the feed, or the cache, as the command line and the configuration have it. */
export async function pollFeed(context: Context, host: Host, options: PollingOptions): Promise<Polling> {
  const feed = httpFeed(host.config.feed[0] ?? "");
  const { record, clock } = context;
  record.host = host;
  const start = performance.now();
  const polled = await (options.offline ? pollCache : poll)({
    ...host,
    feed,
    clock: context.clock,
    exclusive: context.lock.take,
    acceptStaleMs:
      options.acceptStale === undefined ? host.config.acceptStale : staleness(options.acceptStale),
    notice: context.terminal.notice,
  });
  record.manifest = polled.manifest;
  if (!options.offline) {
    record.feed = { url: feed.url, version: polled.version, expires: polled.expires, verified: clock() };
  }
  return { polled, feed, milliseconds: Math.round(performance.now() - start) };
}
