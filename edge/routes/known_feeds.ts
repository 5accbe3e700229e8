import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { etagOf, noneMatchNames } from "../../shared/http/etag.ts";
import { type Clock, type Instant, MINUTE } from "../../shared/time.ts";
import { notModified } from "../http/answer.ts";
import type { PublisherQueue } from "../publish/ports.ts";
import { renewedFrom } from "../publish/stored_feed.ts";
import type { Stored } from "../store/store.ts";
import type { NewestRoot } from "./newest_root.ts";
import { ID } from "./patterns.ts";

/** As long as caches may keep a feed.json anyway. */
const KEPT = MINUTE;
/** Some 500 bytes each. */
const MAX_KNOWN = 4096;
const FEED_URL = new RegExp(`^https?://[^/?#]+/kernels/(${ID})/feed\\.json$`);

interface Known {
  readonly sha256: Sha256Hex;
  readonly etag: string;
  readonly rootVersion: number;
  readonly until: number;
}

/**
 * What feeds were, as of a minute ago at the most: enough to tell a host that nothing is new, which is nearly all that
 * hosts ask. Used for that alone, so it can delay news by this minute and cannot do more: whoever has another version
 * than the one known here, older or newer, is answered from the store, and nobody is ever sent back. What has come
 * to the half of its life, or has an older root than the newest, is not known here: so nothing expired is confirmed.
 */
export class KnownFeeds {
  readonly #known = new Map<string, Known>();
  readonly #clock: Clock;
  readonly #root: NewestRoot;

  constructor(clock: Clock, root: NewestRoot) {
    this.#clock = clock;
    this.#root = root;
  }

  /** The answer to a host that has what is known; undefined for every other request. */
  async unchanged({ method, url, headers }: Request): Promise<Response | undefined> {
    const tags = method === "GET" ? headers.get("If-None-Match") : null;
    if (tags === null) return undefined;
    const known = await this.#inForce(FEED_URL.exec(url)?.[1] ?? "");
    if (!known || (tags !== known.etag && !noneMatchNames(tags, known.etag))) return undefined;
    return notModified({ sha256: known.sha256, lifetime: "moving" });
  }

  /** Whether it is known that there is nothing to sign again. */
  async isFresh(id: BuildId): Promise<boolean> {
    return (await this.#inForce(id)) !== undefined;
  }

  async #inForce(id: string): Promise<Known | undefined> {
    const known = this.#known.get(id);
    if (!known || this.#clock() >= known.until) return undefined;
    return known.rootVersion < (await this.#root.version()) ? undefined : known;
  }

  /** @param asked when the store was asked for it. */
  remember(id: BuildId, feed: Stored, asked: Instant): void {
    this.#known.delete(id);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MAX_KNOWN) this.#known.delete(oldest);
    this.#known.set(id, {
      sha256: feed.sha256,
      etag: etagOf(feed.sha256),
      rootVersion: Number(feed.notes["root"]),
      until: Math.min(asked + KEPT, renewedFrom(feed.notes)),
    });
  }

  /** A queue after whose publishes nothing older is known here. */
  behind(queue: PublisherQueue): PublisherQueue {
    return {
      ...queue,
      publish: async (order) => {
        try {
          return await queue.publish(order);
        } finally {
          for (const { buildId } of order.publications) this.#known.delete(buildId);
        }
      },
    };
  }
}
