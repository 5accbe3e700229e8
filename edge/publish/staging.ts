import type { Sha256Hex } from "../../shared/brand.ts";
import { type Clock, DAY } from "../../shared/time.ts";
import { STAGING, stagingKey, weekOfStagingKey } from "../store/keys.ts";
import type { Store, StoredFile } from "../store/store.ts";

/** Milliseconds. What was sent stays for the rest of its week and all of the next one. */
export const STAGING_WEEK = 7 * DAY;

/**
 * Artifacts that no publish has named yet, kept by the week in which they were sent. Whoever sends, or asks whether to, is
 * told of this week's alone; a publish finds this week's and the last's; what is older is swept. So what a publisher was told
 * is there stays for a week at least, and nothing that a sweep takes away can be found or renewed by anybody at the same time.
 */
export class Staging {
  readonly #store: Store;
  readonly #week: number;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#week = Math.floor(clock() / STAGING_WEEK);
  }

  put(sha256: Sha256Hex, bytes: Uint8Array): Promise<"created" | "exists"> {
    return this.#store.create(stagingKey(this.#week, sha256), bytes);
  }

  /** Whether it need not be sent again. */
  async has(sha256: Sha256Hex): Promise<boolean> {
    return (await this.#store.head(stagingKey(this.#week, sha256))) !== undefined;
  }

  /** For a publish that names it. */
  async get(sha256: Sha256Hex): Promise<StoredFile | undefined> {
    const [now, last] = this.#keys(sha256);
    return (await this.#store.get(now)) ?? this.#store.get(last);
  }

  async drop(sha256: Sha256Hex): Promise<void> {
    await Promise.all(this.#keys(sha256).map((key) => this.#store.delete(key)));
  }

  /** Deletes what nobody can name any more, oldest first. @param max of them. Returns how many there were. */
  async sweep(max: number): Promise<number> {
    const { files } = await this.#store.list(STAGING);
    const old = files.filter(({ key }) => weekOfStagingKey(key) < this.#week - 1).slice(0, max);
    for (const { key } of old) await this.#store.delete(key);
    return old.length;
  }

  #keys(sha256: Sha256Hex): readonly [string, string] {
    return [stagingKey(this.#week, sha256), stagingKey(this.#week - 1, sha256)];
  }
}
