import { setTimeout as sleep } from "node:timers/promises";
import { isCode } from "../../shared/errors.ts";
import { SECOND } from "../../shared/time.ts";

/** The most times that a request is made when there is no answer. */
const MAX_TRIES = 6;
/** The pause before the second attempt. It doubles before each further one. */
const PAUSE_MS = SECOND;

/**
 * The patience of a run of many requests. It repeats requests that got no answer, so that one lost request
 * does not end the run. A feed that never answered is not waited for.
 */
export class Patience {
  #answered = false;

  /** Records that the feed has answered. */
  answered(): void {
    this.#answered = true;
  }

  /**
   * Makes a request, and repeats it while there is no answer.
   *
   * @throws RebootlessError `unreachable` at once if the feed has not answered before, otherwise after half a
   *   minute without an answer.
   */
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
