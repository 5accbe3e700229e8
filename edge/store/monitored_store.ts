import type { Clock, Instant } from "../../shared/time.ts";
import type { Store } from "./store.ts";

/** A store that remembers when it last failed. It does not repeat the error's message, which may hold anything. */
export interface MonitoredStore extends Store {
  readonly lastError: { readonly at: Instant; readonly operation: string } | undefined;
}

export function monitored(store: Store, clock: Clock): MonitoredStore {
  let lastError: MonitoredStore["lastError"];
  const watch =
    <Args extends readonly unknown[], T>(operation: string, run: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      try {
        return await run(...args);
      } catch (error) {
        lastError = { at: clock(), operation };
        throw error;
      }
    };
  return {
    get lastError() {
      return lastError;
    },
    head: watch("head", (key) => store.head(key)),
    get: watch("get", (key, range) => store.get(key, range)),
    create: watch("create", (key, bytes, notes) => store.create(key, bytes, notes)),
    replace: watch("replace", (...args: Parameters<Store["replace"]>) => store.replace(...args)),
    list: watch("list", (prefix, after) => store.list(prefix, after)),
    delete: watch("delete", (key) => store.delete(key)),
  };
}
