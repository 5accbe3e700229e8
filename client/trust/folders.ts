import { join } from "node:path";
import { RebootlessError } from "../../shared/errors.ts";
import type { TargetStore } from "../../shared/tuf/fetch_target.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import { quoted, roleFile } from "../../shared/tuf/role_name.ts";
import { readIfPresent, removeDurably, writeDurably } from "../host/files.ts";

/** Metadata in a folder, byte for byte as received, by the names without versions: `root.json`, `targets.json`. */
export function metadataFolder(folder: string): MetadataStore {
  const file = (role: string) => join(folder, roleFile(role));
  return {
    read: (role) => readIfPresent(file(role)),
    write: (role, bytes) => writeDurably(file(role), bytes),
    remove: (role) => removeDurably(file(role)),
  };
}

/** Linux file systems allow 255 bytes; `writeDurably` adds some of its own while it writes. */
const MAX_NAME = 220;

/** Targets in a folder, flat: a target path is quoted into one name, so none can lead out of it. */
export function targetFolder(folder: string): TargetStore {
  const file = (path: string) => {
    const name = quoted(path);
    if (name.length <= MAX_NAME) return join(folder, name);
    throw new RebootlessError("limit", `the target path ${name.slice(0, 80)}… is too long for a file's name`);
  };
  return {
    read: async (path) => readIfPresent(file(path)),
    write: async (path, bytes) => writeDurably(file(path), bytes),
  };
}
