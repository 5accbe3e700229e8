import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { etagOf, noneMatchNames } from "../../shared/http/etag.ts";
import { type Clock, type Instant, MINUTE } from "../../shared/time.ts";
import { notModified } from "../http/answer.ts";
import type { PublisherQueue } from "../publish/queue.ts";
import { renewalTime } from "../publish/stored_feed.ts";
import type { Stored } from "../store/store.ts";
import type { NewestRoot } from "./newest_root.ts";
import { BUILD_ID_PATTERN } from "./path_patterns.ts";

/** The time for which a feed is remembered. Caches may keep a feed.json for as long in any case. */
const REMEMBERED_FOR = MINUTE;
/** The largest number of known feeds. Each takes about 500 bytes. */
const MAX_KNOWN = 4096;
const FEED_URL = new RegExp(`^https?://[^/?#]+/kernels/(${BUILD_ID_PATTERN})/feed\\.json$`);

interface Known {
  readonly sha256: Sha256Hex;
  readonly etag: string;
  readonly rootVersion: number;
  readonly until: number;
}

/**
 * The feeds as they were at most a minute ago. They are enough to tell a host that nothing is new, which
 * answers nearly all requests of hosts. They are used for that alone, so they can delay news by this minute
 * and do nothing worse: a host with another version than the known one, older or newer, is answered from the
 * store, so no host is told to go back. A feed past half of a lifetime, or with a root older than the newest,
 * does not count as known: so nothing expired is confirmed.
 */
export class KnownFeeds {
  readonly #known = new Map<string, Known>();
  readonly #clock: Clock;
  readonly #root: NewestRoot;

  constructor(clock: Clock, root: NewestRoot) {
    this.#clock = clock;
    this.#root = root;
  }

  /** Returns the answer to a host that has the known feed. Returns undefined for every other request. */
  async unchanged({ method, url, headers }: Request): Promise<Response | undefined> {
    const tags = method === "GET" ? headers.get("If-None-Match") : null;
    if (tags === null) return undefined;
    const known = await this.#inForce(FEED_URL.exec(url)?.[1] ?? "");
    if (!known || (tags !== known.etag && !noneMatchNames(tags, known.etag))) return undefined;
    return notModified({ sha256: known.sha256, lifetime: "moving" });
  }

  /** Tells whether a feed is known, and so need not be signed again. */
  async isFresh(id: BuildId): Promise<boolean> {
    return (await this.#inForce(id)) !== undefined;
  }

  async #inForce(id: string): Promise<Known | undefined> {
    const known = this.#known.get(id);
    if (!known || this.#clock() >= known.until) return undefined;
    return known.rootVersion < (await this.#root.version()) ? undefined : known;
  }

  /** Remembers a feed. @param asked the time at which the store was asked for it. */
  remember(id: BuildId, feed: Stored, asked: Instant): void {
    this.#known.delete(id);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MAX_KNOWN) this.#known.delete(oldest);
    this.#known.set(id, {
      sha256: feed.sha256,
      etag: etagOf(feed.sha256),
      rootVersion: Number(feed.notes["root"]),
      until: Math.min(asked + REMEMBERED_FOR, renewalTime(feed.notes)),
    });
  }

  /** Returns a queue whose publishes make this forget the feeds that they replace. */
  forgettingAfter(queue: PublisherQueue): PublisherQueue {
    return {
      ...queue,
      publish: async (request) => {
        try {
          return await queue.publish(request);
        } finally {
          for (const { buildId } of request.publications) this.#known.delete(buildId);
        }
      },
    };
  }
}
