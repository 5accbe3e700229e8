import type { MetadataStore } from "./metadata_io.ts";
import { TOP_ROLES } from "./role_name.ts";

export interface StagedStore extends MetadataStore {
  /** Writes what was held back to the store behind it. */
  commit(): Promise<void>;
}

/**
 * Holds back what a refresh writes until all of it has verified, with its binding to this kernel: another kernel's valid
 * metadata must leave no trace here, or it could push the version counters past our own.
 *
 * Off-spec: the specification (5.4.5, 5.5.7, 5.6.6) persists each role as soon as it verifies. Here a newer timestamp is
 * forgotten if its snapshot never arrives; but whoever can withhold the one can withhold both.
 *
 * Each file is read once: what a refresh verified is what is read again afterwards, even if another process replaces the
 * file meanwhile.
 */
export function staged(store: MetadataStore): StagedStore {
  const pending = new Map<string, Uint8Array | undefined>();
  const stored = new Map<string, Uint8Array | undefined>();
  const removed = new Set<string>();
  return {
    async read(role) {
      if (pending.has(role)) return pending.get(role);
      if (!stored.has(role)) stored.set(role, await store.read(role));
      return stored.get(role);
    },
    write: async (role, bytes) => void pending.set(role, bytes),
    async remove(role) {
      pending.set(role, undefined);
      removed.add(role);
    },
    /** Removes first, as `refresh` does: if it were cut short after the root was written, 5.3.11 would be lost. */
    async commit() {
      for (const role of removed) await store.remove(role);
      for (const role of inOrder(pending.keys())) {
        const bytes = pending.get(role);
        if (bytes) await store.write(role, bytes);
      }
    },
  };
}

/** Returns the roles in the order of the workflow: each file before those that it names. */
function inOrder(roles: Iterable<string>): readonly string[] {
  const present = new Set(roles);
  return [...new Set<string>([...TOP_ROLES, ...present])].filter((role) => present.has(role));
}

/** A store that holds nothing and stores nothing, for verifying once from the provisioned root. */
export const emptyStore: MetadataStore = {
  read: async () => undefined,
  write: async () => undefined,
  remove: async () => undefined,
};
