import { join } from "node:path";
import { readIfPresent, writeDurably } from "../../../node/files.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { quoted } from "../../../shared/tuf/role_name.ts";
import type { TargetStore } from "./tuf/fetch_target.ts";

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
