import type { Feed } from "../../node/transport/feed.ts";
import { firstGood, freshestGood, joined, noFeed, openFeeds } from "../../node/transport/feeds.ts";
import { staleness } from "../../node/transport/freshness.ts";
import { isCode, type RebootlessError } from "../../shared/errors.ts";
import { FEED_CONDITIONS } from "../conditions/condition.ts";
import type { Context } from "../context.ts";
import type { RunRecord } from "../run_record.ts";
import type { Host } from "../this_host.ts";
import { type Polled, poll, pollCache } from "../trust/poll.ts";
import { passedOverLine } from "./describe.ts";
import { withWhatThereIs } from "./uncovered.ts";

/** The options of every command that polls the feed. */
export interface PollingOptions {
  /** Whether no request is made, and what was verified before is used. */
  readonly offline?: boolean;
  /** Overrides the setting `accept_stale`. */
  readonly acceptStale?: string;
}

export interface Polling {
  readonly polled: Polled;
  readonly feed: Feed;
  readonly milliseconds: number;
}

/** Records an error that concerns the feed. A full disk, or a lock that another run holds, does not. */
function noteFault(record: RunRecord, error: unknown): void {
  const name = FEED_CONDITIONS.find((code) => isCode(error, code));
  if (name)
    record.observe(
      name,
      name === "not_covered" ? (record.host?.buildId ?? "") : "",
      messageOf(error as Error),
    );
  // A feed that answered is reachable, whatever the answer was.
  else if (isCode(error, "trust") || isCode(error, "rollback")) record.observedAll(...FEED_CONDITIONS);
}

const messageOf = ({ message, cause }: Error): string =>
  cause instanceof Error ? `${message} (${cause.message})` : message;

/** Polls the feeds in order, or the cache, as the command line and the configuration say. */
export async function pollFeed(context: Context, host: Host, options: PollingOptions): Promise<Polling> {
  const feeds = options.offline ? [noFeed] : openFeeds(host.config, context.stop.signal);
  try {
    return await pollFeeds(context, host, options, feeds);
  } catch (error) {
    if (!isCode(error, "not_covered") || context.record.scheduled) throw error;
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
  const passedOver = (why: RebootlessError, { url }: Feed) => {
    const line = passedOverLine(why);
    record.warnings.push(line);
    record.observe("passed_over", url, messageOf(why));
    if (!record.scheduled) terminal.notice(line);
  };
  const asking =
    feeds.length > 1 && acceptStaleMs > 0
      ? freshestGood(feeds, ask, passedOver)
      : firstGood(feeds, (one) => ask(one), passedOver);
  const { feed, result: polled } = await asking.catch((error: unknown) => {
    if (!offline) noteFault(record, error);
    throw error;
  });
  record.manifest = polled.manifest;
  if (!offline) {
    record.observedAll(...FEED_CONDITIONS, "passed_over");
    const { version, expires, changed } = polled;
    record.feed = { url: feed.url, targetsVersion: version, expires, verified: clock(), changed };
  }
  return {
    polled,
    feed: joined(feed, feeds, passedOver),
    milliseconds: Math.round(context.system.uptime() - start),
  };
}
