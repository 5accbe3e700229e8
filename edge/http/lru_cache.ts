interface Entry<T> {
  readonly tag: string;
  readonly value: T;
  readonly bytes: number;
}

/**
 * The values that were used most recently, bounded in bytes and in number. A value has the tag of its source.
 */
export class LruCache<T> {
  readonly #maxBytes: number;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, Entry<T>>();
  #bytes = 0;

  constructor(maxBytes: number, maxEntries: number) {
    this.#maxBytes = maxBytes;
    this.#maxEntries = maxEntries;
  }

  /** Returns the value of a key, if it has this tag. */
  get(key: string, tag: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry?.tag !== tag) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Stores a value. @param bytes the approximate size of the value in memory. */
  put(key: string, tag: string, value: T, bytes: number): void {
    this.#drop(key);
    this.#entries.set(key, { tag, value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes && this.#entries.size <= this.#maxEntries) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }
}
