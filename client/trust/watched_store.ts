import { equalBytes } from "../../shared/bytes.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";

export interface WatchedStore extends MetadataStore {
  /** Tells whether everything that was read is still stored as it was read. */
  isUnchanged(): Promise<boolean>;
}

/**
 * Wraps a store so that its files can be verified without the state lock. Under the lock, the wrapper tells
 * whether the files that were read have changed since.
 */
export function watchedStore(store: MetadataStore): WatchedStore {
  const read = new Map<string, Uint8Array | undefined>();
  return {
    ...store,
    async read(role) {
      const bytes = await store.read(role);
      read.set(role, bytes);
      return bytes;
    },
    async isUnchanged() {
      for (const [role, before] of read) {
        const now = await store.read(role);
        if (now === undefined || before === undefined ? now !== before : !equalBytes(now, before))
          return false;
      }
      return true;
    },
  };
}
