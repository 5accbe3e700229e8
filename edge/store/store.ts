import type { Sha256Hex } from "../../shared/brand.ts";
import type { ByteRange } from "../../shared/http/range.ts";

export type { ByteRange };

/**
 * Stores the edge's files: strongly consistent for each key, without transactions over several. Whatever must appear at
 * once is therefore one value, replaced by compare-and-swap.
 */
export interface Store {
  head(key: string): Promise<Stored | undefined>;
  /**
   * Reads a value.
   * @param range the range of bytes within the file; the digest and the length are those of the whole file
   * even so.
   */
  get(key: string, range?: ByteRange): Promise<StoredFile | undefined>;
  /** Writes a key that must not exist yet; an existing value stays as it is. */
  create(key: string, bytes: Uint8Array, notes?: Notes): Promise<"created" | "exists">;
  /**
   * Replaces a value. Resolves to `stale` if it was written or deleted meanwhile.
   *
   * @param revision the revision of the value that is replaced, as `head` or `get` returned it.
   * @param keepPreviousAs a key under which the replaced value stays, unless that key has a value already. It
   * is written before the new value. After a power cut it may be missing; it is never wrong.
   */
  replace(
    key: string,
    revision: string,
    bytes: Uint8Array,
    notes?: Notes,
    keepPreviousAs?: string,
  ): Promise<"replaced" | "stale">;
  /**
   * Lists keys with this prefix in rising order, some hundreds at a time.
   * @param after the last key of the previous page.
   */
  list(prefix: string, after?: string): Promise<StoreListing>;
  /** Deletes a key, which need not exist. */
  delete(key: string): Promise<void>;
}

export interface StoreListing {
  readonly files: readonly (Stored & { readonly key: string })[];
  /** The last key of this page; undefined if it is the last page. */
  readonly next: string | undefined;
}

/** Small facts that are stored beside the bytes, and read without them. */
export type Notes = Readonly<Record<string, string>>;

export interface Stored {
  /** The store's own tag of this value. It is for `replace` alone, and never shown: that of R2 is an MD5. */
  readonly revision: string;
  /** The digest of the bytes, computed when they were written. */
  readonly sha256: Sha256Hex;
  /** The length in bytes. */
  readonly length: number;
  readonly notes: Notes;
}

export interface StoredFile extends Stored {
  /** Returns the bytes as a stream. Either this or `bytes` may be called, and only once. */
  stream(): ReadableStream<Uint8Array>;
  bytes(): Promise<Uint8Array>;
}
