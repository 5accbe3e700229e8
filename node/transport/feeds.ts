import { type ErrorCode, isCode, RebootlessError } from "../../shared/errors.ts";
import type { Config } from "../config/config.ts";
import { saidAt } from "../config/layers.ts";
import { type Route, wayTo } from "./agent.ts";
import type { Feed, Fetched, FetchLimits } from "./feed.ts";
import { folderFeed } from "./folder_feed.ts";
import { httpFeed } from "./http_feed.ts";
import { withTufFiles } from "./tuf_folder.ts";

/**
 * Opens the feeds of a host in the order in which they are asked. Opening makes no request.
 *
 * @param stop the signal that breaks off downloads.
 */
export function openFeeds(config: Config, stop?: AbortSignal): readonly Feed[] {
  const http = {
    timeoutMs: config.timeout,
    downloadTimeoutMs: config.downloadTimeout,
    wayTo: (url: URL) => wayTo(url, routeOf(config)),
    ...(stop && { stop }),
  };
  return config.feed.map((base) =>
    base.startsWith("file:") ? withTufFiles(folderFeed(base)) : httpFeed(base, http),
  );
}

/** Returns the configured way to the feeds. */
export function routeOf({ noProxy, caFile, caDir, ...config }: Config): Route {
  const named = (key: "httpsProxy" | "httpProxy") => {
    const url = config[key];
    return url === undefined ? undefined : { url, setBy: saidAt(key, config.origins[key]) };
  };
  return { httpsProxy: named("httpsProxy"), httpProxy: named("httpProxy"), noProxy, caFile, caDir };
}

/** The feed of a run that must not make requests. */
export const noFeed: Feed = {
  url: "offline:",
  traffic: { requests: 0, bytes: 0 },
  async get(path) {
    throw new RebootlessError("unreachable", `${path} is not at hand, and --offline asks no feed`, {
      hint: "Run it once without --offline.",
    });
  },
};

/**
 * The errors after which the next feed is asked, the gravest first. If all feeds fail, the gravest error is reported.
 * Every other error (a full disk, a wrong clock, a lock) would also happen with the next feed.
 */
const FAULTS_OF_A_FEED: readonly ErrorCode[] = ["trust", "rollback", "expired", "not_covered", "unreachable"];

/** The feed that was chosen, and the result of asking it. */
export interface Chosen<T> {
  readonly feed: Feed;
  readonly result: T;
}

/**
 * Asks feeds in turn until one succeeds. A mirror that is out of date or broken must not keep a host from updates
 * that another feed has. Trying others is safe, because every feed is verified. Every feed that is passed over is
 * reported.
 *
 * @throws the gravest of the errors.
 */
export async function firstGood<T>(
  feeds: readonly Feed[],
  ask: (feed: Feed) => Promise<T>,
  passedOver: (why: RebootlessError, feed: Feed) => void,
): Promise<Chosen<T>> {
  const faults: RebootlessError[] = [];
  for (const [i, feed] of feeds.entries()) {
    try {
      return { feed, result: await ask(feed) };
    } catch (error) {
      if (!FAULTS_OF_A_FEED.some((code) => isCode(error, code))) throw error;
      faults.push(error as RebootlessError);
      if (i + 1 < feeds.length) passedOver(error as RebootlessError, feed);
    }
  }
  const gravest = FAULTS_OF_A_FEED.flatMap((code) => faults.filter((fault) => fault.code === code))[0];
  throw gravest ?? new RebootlessError("config", "no feed is set");
}

/**
 * Does the same as `firstGood`, but accepts expired metadata only if no feed has fresh metadata.
 *
 * @param ask is told whether expired metadata may be accepted.
 */
export async function freshestGood<T>(
  feeds: readonly Feed[],
  ask: (feed: Feed, stale: boolean) => Promise<T>,
  passedOver: (why: RebootlessError, feed: Feed) => void,
): Promise<Chosen<T>> {
  const expired: Feed[] = [];
  let last: unknown;
  const askFresh = (feed: Feed) =>
    ask(feed, false).catch((error: unknown) => {
      if (isCode(error, "expired")) expired.push(feed);
      last = error;
      throw error;
    });
  try {
    return await firstGood(feeds, askFresh, passedOver);
  } catch (gravest) {
    if (expired.length === 0) throw gravest;
    const askedLast = feeds.at(-1);
    if (askedLast && last instanceof RebootlessError && last.code !== "expired") passedOver(last, askedLast);
    return await firstGood(
      expired,
      (feed) => ask(feed, true),
      () => undefined,
    ).catch((error: unknown) => {
      throw isCode(error, "expired") ? gravest : error;
    });
  }
}

/**
 * Joins several feeds into one, for files that are found by their digests. The first feed with the right bytes
 * answers. If no feed has them, the caller gets the wrong ones to verify and to report.
 */
export function joined(
  first: Feed,
  feeds: readonly Feed[],
  passedOver: (why: RebootlessError, feed: Feed) => void,
): Feed {
  const all = [first, ...feeds.filter((feed) => feed !== first)];
  const sum = (of: "requests" | "bytes") => all.reduce((total, feed) => total + feed.traffic[of], 0);
  return {
    url: first.url,
    get traffic() {
      return { requests: sum("requests"), bytes: sum("bytes") };
    },
    async get(path, limits) {
      let wrong: Fetched | undefined;
      let fault: unknown;
      for (const feed of all) {
        try {
          const fetched = await feed.get(path, limits);
          if (fetched.status === "not_found") continue;
          if (isWanted(fetched, limits)) return fetched;
          wrong ??= fetched;
          if (all.length > 1) passedOver(notTheFile(feed, path), feed);
        } catch (error) {
          if (!isCode(error, "unreachable")) throw error;
          fault ??= error;
        }
      }
      if (wrong) return wrong;
      if (fault) throw fault;
      return { status: "not_found" };
    },
  };
}

const isWanted = (fetched: Fetched, { accepts }: FetchLimits): boolean =>
  fetched.status !== "ok" || accepts === undefined || accepts(fetched.bytes);

const notTheFile = ({ url }: Feed, path: string): RebootlessError =>
  new RebootlessError("trust", `${url}${path} is not the file that was signed for`);
