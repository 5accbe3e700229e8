import { setTimeout as sleep } from "node:timers/promises";
import { isCode } from "../../shared/errors.ts";
import { SECOND } from "../../shared/time.ts";

/** Times that something is asked when nobody answers. */
const MAX_TRIES = 6;
/** Before the second of them; twice as long before each next. */
const PAUSE_MS = SECOND;

/** For a run of many requests, which one that is lost must not end. A feed that never answered is not waited for. */
export class Patience {
  #answered = false;

  /** The feed has answered. */
  answered(): void {
    this.#answered = true;
  }

  /** Throws `unreachable` at once before the first answer, and later when nobody answered for half a minute. */
  async ask<T>(work: (tries: number) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await work(tries);
        this.answered();
        return answer;
      } catch (error) {
        if (!isCode(error, "unreachable") || tries >= MAX_TRIES || !this.#answered) throw error;
        await sleep(PAUSE_MS * 2 ** (tries - 1));
      }
    }
  }
}
