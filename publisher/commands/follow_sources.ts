import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readNamed, writeDurably } from "../../node/files.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import type { FollowedFix } from "../follow/follow_state.ts";
import { type FoundFix, fixDigest } from "../follow/found_fixes.ts";
import { droppedPatches } from "../follow/sources/dropped_patches.ts";
import type { FollowTools } from "../follow/tools.ts";
import type { FollowOptions } from "./follow_options.ts";

/** Returns what finds fixes and keeps them. @param folder the folder of the state. */
export function sourceTools(
  options: FollowOptions,
  folder: string,
  trouble: (error: RebootlessError) => void,
): Pick<FollowTools, "find" | "keep"> {
  /** Reads one source. If that fails, the others are read all the same. */
  async function each<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      trouble(error);
      return undefined;
    }
  }

  return {
    find: async (state) => {
      const fixes: FoundFix[] = [];
      for (const patches of options.patches)
        fixes.push(...((await each(() => droppedPatches(patches))) ?? []));
      return { fixes, clones: state.clones };
    },
    keep: async (fix) => {
      const place = keptIn(folder, fixDigest(fix));
      for (const { name, bytes } of fix.files) {
        const path = join(place, name);
        if (!(await isKept(path, bytes))) await writeDurably(path, bytes);
      }
    },
  };
}

/** The folder with the patches of a fix. */
const keptIn = (folder: string, digest: string): string => join(folder, "fixes", digest.slice(0, 32));

async function isKept(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return Buffer.compare(await readNamed(path, bytes.length), bytes) === 0;
  } catch (error) {
    if (isCode(error, "usage") || isCode(error, "limit")) return false;
    throw error;
  }
}

/** Returns the options by which `create` finds a fix. */
export async function fixWords(fix: FollowedFix, folder: string): Promise<readonly string[]> {
  const place = keptIn(folder, fix.digest);
  return fix.kind === "patch" ? ["--patch", ...(await onlyFile(place))] : ["--series", place];
}

async function onlyFile(place: string): Promise<readonly string[]> {
  const names = await readdir(place);
  return names.filter((name) => !name.startsWith(".")).map((name) => join(place, name));
}
