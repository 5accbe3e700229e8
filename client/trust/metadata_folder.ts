import { join } from "node:path";
import { readIfPresent, removeDurably, writeDurably } from "../../node/files.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import { roleFile } from "../../shared/tuf/role_name.ts";

/**
 * Stores metadata in a folder, byte for byte as received, under names without versions: `root.json`, `targets.json`.
 */
export function metadataFolder(folder: string): MetadataStore {
  const file = (role: string) => join(folder, roleFile(role));
  return {
    read: (role) => readIfPresent(file(role)),
    write: (role, bytes) => writeDurably(file(role), bytes),
    remove: (role) => removeDurably(file(role)),
  };
}
