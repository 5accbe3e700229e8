import { type ErrorCode, isCode, RebootlessError } from "../../shared/errors.ts";
import type { Config } from "../config/config.ts";
import { saidAt } from "../config/layers.ts";
import { type Route, wayTo } from "./agent.ts";
import type { Feed, Fetched, FetchLimits } from "./feed.ts";
import { folderFeed } from "./folder_feed.ts";
import { httpFeed } from "./http_feed.ts";
import { withTufFiles } from "./tuf_folder.ts";

/**
 * The feeds of a host in the order in which they are asked. Opening one makes no request.
 *
 * @param stop breaks downloads off when it is aborted.
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

/** The way to feeds, as it is configured. */
export function routeOf({ noProxy, caFile, caDir, ...config }: Config): Route {
  const named = (key: "httpsProxy" | "httpProxy") => {
    const url = config[key];
    return url === undefined ? undefined : { url, setBy: saidAt(key, config.origins[key]) };
  };
  return { httpsProxy: named("httpsProxy"), httpProxy: named("httpProxy"), noProxy, caFile, caDir };
}

/** For a run that is to make no request. */
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
 * Why the next feed is asked, the gravest first: when none will do, this is the one to tell of. Everything else (a
 * full disk, a wrong clock, a lock) would befall the next feed too.
 */
const FAULTS_OF_A_FEED: readonly ErrorCode[] = ["trust", "rollback", "expired", "not_covered", "unreachable"];

/** A feed that would do, and what came of it. */
export interface Chosen<T> {
  readonly feed: Feed;
  readonly result: T;
}

/**
 * Asks feeds in turn until one will do. A mirror that is out of date or broken must not keep a host from updates that
 * another has, as none of them is believed; but none is passed over in silence. Throws the gravest of what was thrown.
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
 * As `firstGood`; what has expired is taken only where no feed has anything fresh.
 *
 * @param ask told whether what has expired may be taken.
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
 * Several feeds as one, for files that are found by their digests: the first that has the right one gives it. Where
 * none has, what came is given, for whoever asked to judge and to tell of.
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
          if (await isWanted(fetched, limits)) return fetched;
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

const isWanted = async (fetched: Fetched, { accepts }: FetchLimits): Promise<boolean> =>
  fetched.status !== "ok" || accepts === undefined || (await accepts(fetched.bytes));

const notTheFile = ({ url }: Feed, path: string): RebootlessError =>
  new RebootlessError("trust", `${url}${path} is not the file that was signed for`);
