import { webDigests } from "../../shared/crypto/web_crypto.ts";
import type { ByteRange, Notes, Store, Stored, StoredFile, StoreListing } from "./store.ts";

const PAGE = 500;

interface Value {
  readonly bytes: Uint8Array;
  readonly stored: Stored;
}

/** A store in memory, for tests. It passes the same contract tests as R2. */
export class MemoryStore implements Store {
  readonly #values = new Map<string, Value>();
  #writes = 0;

  async head(key: string): Promise<Stored | undefined> {
    return this.#values.get(key)?.stored;
  }

  async get(key: string, range?: ByteRange): Promise<StoredFile | undefined> {
    const value = this.#values.get(key);
    if (!value) return undefined;
    const body = new Response(value.bytes.slice(range?.start, range?.end));
    return {
      ...value.stored,
      stream: () => body.body ?? new ReadableStream({ start: (controller) => controller.close() }),
      bytes: async () => new Uint8Array(await body.arrayBuffer()),
    };
  }

  async create(key: string, bytes: Uint8Array, notes: Notes = {}): Promise<"created" | "exists"> {
    const value = await this.#value(bytes, notes);
    if (this.#values.has(key)) return "exists";
    this.#values.set(key, value);
    return "created";
  }

  async replace(
    key: string,
    revision: string,
    bytes: Uint8Array,
    notes: Notes = {},
    keepPreviousAs?: string,
  ): Promise<"replaced" | "stale"> {
    const value = await this.#value(bytes, notes);
    const old = this.#values.get(key);
    if (old?.stored.revision !== revision) return "stale";
    if (keepPreviousAs !== undefined && !this.#values.has(keepPreviousAs))
      this.#values.set(keepPreviousAs, old);
    this.#values.set(key, value);
    return "replaced";
  }

  async list(prefix: string, after = ""): Promise<StoreListing> {
    const keys = this.keys().filter((key) => key.startsWith(prefix) && key > after);
    const page = keys.slice(0, PAGE);
    const files = page.flatMap((key) => {
      const value = this.#values.get(key);
      return value ? [{ key, ...value.stored }] : [];
    });
    return { files, next: keys.length > PAGE ? page.at(-1) : undefined };
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }

  /** Returns all keys, for assertions. */
  keys(): string[] {
    return [...this.#values.keys()].sort();
  }

  async #value(bytes: Uint8Array, notes: Notes): Promise<Value> {
    const own = new Uint8Array(bytes);
    const sha256 = await webDigests.sha256(own);
    this.#writes++;
    return { bytes: own, stored: { revision: String(this.#writes), sha256, length: own.length, notes } };
  }
}
