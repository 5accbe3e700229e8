/**
 * Runs one piece of work after the other, in the order of the calls. A Durable Object's method is no lock: at
 * every await on something other than its own storage another call comes in.
 */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined); // the caller has the error; the next in line must not
    return result;
  }
}
