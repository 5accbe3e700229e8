import type { Stored } from "../store/store.ts";

export interface RecentValue {
  readonly stored: Stored;
  /** The bytes; undefined for a large file. Of modules, usually only the presence is checked. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * The bound of all values in bytes. It is enough for the files that a publish reads and writes again, and for
 * those that most hosts ask for.
 */
const MAX_BYTES = 32 * 1024 * 1024;
/** The largest value with bytes: a module would push out a thousand feeds. */
export const MAX_RECENT_VALUE = 64 * 1024;
/** The approximate size of the notes and the key, in bytes. */
const OVERHEAD = 1024;

/** The values read or written last, without the bytes of large ones. Only for a process that is the only writer. */
export class Recent {
  readonly #values = new Map<string, RecentValue>();
  /** The reads under way that no write has overtaken. */
  readonly #readings = new Map<string, object>();
  #bytes = 0;

  get(key: string): RecentValue | undefined {
    const value = this.#values.get(key);
    if (!value) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** Reads a key's file, and remembers it unless the key is written meanwhile. */
  async reading<T extends { readonly stored: Stored; readonly bytes: Uint8Array | undefined }>(
    key: string,
    read: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const ticket = {};
    this.#readings.set(key, ticket);
    try {
      const found = await read();
      if (found && this.#readings.get(key) === ticket) {
        this.written(key, { stored: found.stored, bytes: found.bytes });
      }
      return found;
    } finally {
      if (this.#readings.get(key) === ticket) this.#readings.delete(key);
    }
  }

  written(key: string, { stored, bytes }: RecentValue): void {
    this.forget(key);
    const value = { stored, bytes: bytes && bytes.length <= MAX_RECENT_VALUE ? bytes : undefined };
    this.#values.set(key, value);
    this.#bytes += sizeOf(value);
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= MAX_BYTES) return;
      this.forget(oldest);
    }
  }

  /** Forgets a key. It is called before the key is written or deleted, and again if that fails. */
  forget(key: string): void {
    this.#readings.delete(key);
    const value = this.#values.get(key);
    if (!value) return;
    this.#values.delete(key);
    this.#bytes -= sizeOf(value);
  }
}

const sizeOf = ({ bytes }: RecentValue): number => (bytes?.length ?? 0) + OVERHEAD;
