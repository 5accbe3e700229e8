/**
 * Runs one piece of work after the other, in the order of the calls. A Durable Object's method is no lock: while it
 * awaits something other than its own storage, another call is served.
 */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined); // The caller gets the error; the next piece of work must not.
    return result;
  }
}

/**
 * A mutex for each key, which exists as long as a call waits for it: work under one key runs one after the
 * other.
 */
export class KeyedMutex {
  readonly #entries = new Map<string, { readonly mutex: Mutex; waiting: number }>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? { mutex: new Mutex(), waiting: 0 };
    this.#entries.set(key, entry);
    entry.waiting++;
    try {
      return await entry.mutex.run(work);
    } finally {
      if (--entry.waiting === 0) this.#entries.delete(key);
    }
  }
}
