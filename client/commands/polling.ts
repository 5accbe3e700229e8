import { isCode, type RebootlessError } from "../../shared/errors.ts";
import type { Context } from "../context.ts";
import type { Host } from "../host/host.ts";
import type { Feed } from "../trust/feed.ts";
import { firstGood, freshestGood, joined, noFeed, openFeeds } from "../trust/feeds.ts";
import { staleness } from "../trust/freshness.ts";
import { type Polled, poll, pollCache } from "../trust/poll.ts";
import { passedOverLine } from "./describe.ts";

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

/** Asks the feeds in order, or the cache, as the command line and the configuration have it. */
export async function pollFeed(context: Context, host: Host, options: PollingOptions): Promise<Polling> {
  const feeds = options.offline ? [noFeed] : openFeeds(host.config, context.stop.signal);
  try {
    return await pollFeeds(context, host, options, feeds);
  } catch (error) {
    if (!isCode(error, "not_covered") || context.record.byClock) throw error;
    const { withWhatThereIs } = await import("./inspecting.ts");
    throw await withWhatThereIs(error, feeds, host.kernel);
  }
}

async function pollFeeds(
  context: Context,
  host: Host,
  options: PollingOptions,
  feeds: readonly Feed[],
): Promise<Polling> {
  const { record, clock, terminal, lock } = context;
  const { offline = false } = options;
  record.host = host;
  const acceptStaleMs =
    options.acceptStale === undefined ? host.config.acceptStale : staleness(options.acceptStale);
  const ask = (feed: Feed, stale = true) =>
    (offline ? pollCache : poll)({
      ...host,
      feed,
      clock,
      exclusive: lock.take,
      acceptStaleMs: stale ? acceptStaleMs : 0,
      notice: terminal.notice,
    });
  const start = context.system.uptime();
  const passedOver = (why: RebootlessError) => {
    const line = passedOverLine(why);
    terminal.notice(line);
    record.warnings.push(line);
  };
  const { feed, result: polled } =
    feeds.length > 1 && acceptStaleMs > 0
      ? await freshestGood(feeds, ask, passedOver)
      : await firstGood(feeds, (one) => ask(one), passedOver);
  record.manifest = polled.manifest;
  if (!offline) {
    const { version, expires, changed } = polled;
    record.feed = { url: feed.url, version, expires, verified: clock(), changed };
  }
  return {
    polled,
    feed: joined(feed, feeds, passedOver),
    milliseconds: Math.round(context.system.uptime() - start),
  };
}
