import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { type Clock, SECOND } from "../../shared/time.ts";

/**
 * The number of bytes of files that may be in memory at a time: one of the largest, or a hundred usual ones.
 * A Worker has 128 MB.
 */
const MAX_HELD = MAX_BUNDLE_BYTES;
/**
 * The time after which bytes no longer count. A Worker stops an abandoned request where it is, and its
 * `finally` never runs.
 */
const HELD_AT_MOST = 30 * SECOND;
/** The time after which a request without room looks again. It gives up after this number of tries. */
const PAUSE_MS = 50;
const TRIES = 100;

/** The error that is thrown if there was no room in time. */
export class Busy extends Error {
  override readonly name = "Busy";
}

interface Held {
  readonly bytes: number;
  readonly until: number;
}

/** Bounds the memory for files that are read whole for any request, so that many requests at once cost no more than one. */
export class MemoryBudget {
  readonly #clock: Clock;
  readonly #pause: () => Promise<unknown>;
  readonly #held = new Set<Held>();

  /**
   * Makes a budget of which nothing is used.
   * @param pause waits before the next look. In a Worker, one request must not wait for the promise of
   * another.
   */
  constructor(clock: Clock, pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS))) {
    this.#clock = clock;
    this.#pause = pause;
  }

  /**
   * Runs work that has this many bytes in memory, once there is room. A single file always has room.
   * @throws Busy
   */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    for (let tries = 0; !this.#hasRoomFor(bytes); tries++) {
      if (tries === TRIES) throw new Busy("too many large files are being read");
      await this.#pause();
    }
    const own = { bytes, until: this.#clock() + HELD_AT_MOST };
    this.#held.add(own);
    try {
      return await work();
    } finally {
      this.#held.delete(own);
    }
  }

  #hasRoomFor(bytes: number): boolean {
    const now = this.#clock();
    let sum = 0;
    for (const held of this.#held) {
      if (held.until <= now) this.#held.delete(held);
      else sum += held.bytes;
    }
    return sum === 0 || sum + bytes <= MAX_HELD;
  }
}
