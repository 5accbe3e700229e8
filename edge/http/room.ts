import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { type Clock, SECOND } from "../../shared/time.ts";

/** Bytes of files in memory at the same time: one of the largest, or a hundred of the usual ones. A Worker has 128 MB. */
const MAX_HELD = MAX_BUNDLE_BYTES;
/** What a request that was given up holds is nobody's after that: a Worker stops such a one where it is. */
const FORGOTTEN_AFTER = 30 * SECOND;
/** Whoever finds no room looks again so often, and so many times. */
const PAUSE_MS = 50;
const TRIES = 100;

/** There was no room for this in time. */
export class Busy extends Error {
  override readonly name = "Busy";
}

interface Held {
  readonly bytes: number;
  readonly until: number;
}

/** Room for files that are read whole for anybody who asks, so that many who ask at once cost no more memory than one. */
export class Room {
  readonly #clock: Clock;
  readonly #pause: () => Promise<unknown>;
  readonly #held = new Set<Held>();

  /** @param pause until it is worth to look again. In a Worker one request must not wait for another's promise. */
  constructor(clock: Clock, pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS))) {
    this.#clock = clock;
    this.#pause = pause;
  }

  /** Works with so many bytes in memory, once there is room; one file always has some. Throws Busy. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    for (let tries = 0; !this.#hasRoomFor(bytes); tries++) {
      if (tries === TRIES) throw new Busy("too many large files are being read");
      await this.#pause();
    }
    const own = { bytes, until: this.#clock() + FORGOTTEN_AFTER };
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
