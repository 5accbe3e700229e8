import type { Sha256Hex } from "../../shared/brand.ts";
import { type Clock, DAY } from "../../shared/time.ts";
import { STAGING, stagingKey, weekOfStagingKey } from "../store/keys.ts";
import type { Store, StoredFile } from "../store/store.ts";

/**
 * A week in milliseconds. An artifact stays for the rest of the week in which it was sent and all of the next
 * one.
 */
export const STAGING_WEEK = 7 * DAY;

/**
 * Artifacts that no publish has named yet, stored by the week in which they were sent. A publisher who sends one, or asks
 * which to send, is told of this week's alone. A publish finds those of this week and of the last one. Older ones are
 * deleted. So an artifact that a publisher was told of stays for a week at least, and no artifact can be found or sent
 * again while it is being deleted.
 */
export class StagingArea {
  readonly #store: Store;
  readonly #week: number;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#week = Math.floor(clock() / STAGING_WEEK);
  }

  put(sha256: Sha256Hex, bytes: Uint8Array): Promise<"created" | "exists"> {
    return this.#store.create(stagingKey(this.#week, sha256), bytes);
  }

  /** Tells whether an artifact need not be sent again. */
  async has(sha256: Sha256Hex): Promise<boolean> {
    return (await this.#store.head(stagingKey(this.#week, sha256))) !== undefined;
  }

  /** Returns an artifact that a publish names. */
  async get(sha256: Sha256Hex): Promise<StoredFile | undefined> {
    const [now, last] = this.#keys(sha256);
    return (await this.#store.get(now)) ?? this.#store.get(last);
  }

  async drop(sha256: Sha256Hex): Promise<void> {
    await Promise.all(this.#keys(sha256).map((key) => this.#store.delete(key)));
  }

  /** Deletes artifacts that a publish can no longer name, oldest first. @returns how many were deleted, at most `max`. */
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
