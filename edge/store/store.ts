import type { Sha256Hex } from "../../shared/brand.ts";
import type { ByteRange } from "../../shared/http/range.ts";

export type { ByteRange };

/**
 * Where the edge keeps its files: strongly consistent for each key, no transaction over several. Whatever must
 * appear at once therefore lies in one value, replaced by compare-and-swap.
 */
export interface Store {
  head(key: string): Promise<Stored | undefined>;
  /** @param range of bytes that lies within the file; digest and length are those of the whole all the same. */
  get(key: string, range?: ByteRange): Promise<StoredFile | undefined>;
  /** Writes a key that must not exist yet; what is there already stays as it is. */
  create(key: string, bytes: Uint8Array, notes?: Notes): Promise<"created" | "exists">;
  /**
   * @param revision of the value to be replaced, as `head` or `get` gave it. `stale`: somebody wrote in between, or it is gone.
   * @param keptAs a key under which what is replaced stays; what has that key already stays instead. It is there before the new
   *   value is; where the power fails it may be missing, and is never anything else.
   */
  replace(
    key: string,
    revision: string,
    bytes: Uint8Array,
    notes?: Notes,
    keptAs?: string,
  ): Promise<"replaced" | "stale">;
  /** Keys that begin so, rising, some hundreds at a time; `next` goes on after the last of them. */
  list(prefix: string, after?: string): Promise<Listing>;
  /** No error when there is nothing. */
  delete(key: string): Promise<void>;
}

export interface Listing {
  readonly files: readonly (Stored & { readonly key: string })[];
  /** The last key of a list that goes on. */
  readonly next: string | undefined;
}

/** Small facts kept beside the bytes and read without them. */
export type Notes = Readonly<Record<string, string>>;

export interface Stored {
  /** The store's own tag of this value: for `replace` only, never shown (that of R2 is an MD5). */
  readonly revision: string;
  /** Of the bytes, computed when they were written. */
  readonly sha256: Sha256Hex;
  /** Bytes. */
  readonly length: number;
  readonly notes: Notes;
}

export interface StoredFile extends Stored {
  /** Either this or `bytes`, and once. */
  stream(): ReadableStream<Uint8Array>;
  bytes(): Promise<Uint8Array>;
}
