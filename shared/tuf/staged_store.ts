import type { MetadataStore } from "./refresh.ts";
import { TOP_ROLES, type TopRole } from "./schema.ts";

/**
 * Holds back what a refresh writes until the whole of it was judged, binding to this kernel included: another
 * kernel's valid metadata must leave no mark here, or it could push the version counters past our own.
 *
 * Off-spec: the specification (5.4.5, 5.5.7, 5.6.6) persists each role as soon as it verifies. What is lost is
 * the memory of a newer timestamp whose snapshot never arrived; who can withhold the one can withhold both.
 */
export function staged(store: MetadataStore): MetadataStore & { commit(): Promise<void> } {
  const pending = new Map<TopRole, Uint8Array | undefined>();
  return {
    read: async (role) => (pending.has(role) ? pending.get(role) : await store.read(role)),
    write: async (role, bytes) => void pending.set(role, bytes),
    remove: async (role) => void pending.set(role, undefined),
    async commit() {
      for (const role of TOP_ROLES) {
        if (!pending.has(role)) continue;
        const bytes = pending.get(role);
        await (bytes ? store.write(role, bytes) : store.remove(role));
      }
    },
  };
}

/** Holds nothing and keeps nothing: for who verifies once, from the provisioned root. */
export const emptyStore: MetadataStore = {
  read: async () => undefined,
  write: async () => undefined,
  remove: async () => undefined,
};
