import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readNamed, writeDurably } from "../../node/files.ts";
import type { Sha256Hex } from "../../shared/brand.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import type { FollowedFix } from "../follow/follow_state.ts";
import { type FoundFix, fixDigest } from "../follow/found_fixes.ts";
import { droppedPatches } from "../follow/sources/dropped_patches.ts";
import { newCommits, withNote } from "../follow/sources/new_commits.ts";
import { sourceSteps } from "../follow/sources/source_steps.ts";
import type { FollowTools } from "../follow/tools.ts";
import { type ArchiveOptions, withArchiveOpen } from "../kernels/open_archive.ts";
import type { KernelList } from "../kernels/served_kernel.ts";
import type { FollowOptions } from "./follow_options.ts";
import { type PackageCacheOptions, withPackages } from "./kernels_options.ts";

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
    find: async ({ clones: before }, kernels) => {
      const fixes: FoundFix[] = options.archive ? [...sourceSteps(kernels)] : [];
      let clones = before;
      for (const patches of options.patches)
        fixes.push(...((await each(() => droppedPatches(patches))) ?? []));
      for (const branch of options.commits) {
        const read = await each(() => newCommits(branch, before, options.since));
        if (read === undefined) continue;
        fixes.push(...read.fixes);
        clones = withNote(clones, read.note);
      }
      return { fixes, clones };
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

/**
 * Returns the options by which `create` finds a fix. The sources of a step are fetched if they are not here.
 * @throws RebootlessError `config` if the list of kernels has them no more.
 */
export async function fixWords(
  fix: FollowedFix,
  folder: string,
  list: KernelList,
  options: PackageCacheOptions,
  progress: (line: string) => void,
): Promise<readonly string[]> {
  const { step } = fix;
  if (step !== undefined) {
    const paths = await withPackages(options, progress, async (tools) => [
      await sourcePath(step.from, list, tools),
      await sourcePath(step.to, list, tools),
    ]);
    return ["--series", paths.join("..")];
  }
  const place = keptIn(folder, fix.digest);
  return fix.kind === "patch" ? ["--patch", ...(await onlyFile(place))] : ["--series", place];
}

async function sourcePath(sha256: Sha256Hex, { kernels, archives }: KernelList, tools: ArchiveOptions) {
  const kernel = kernels.find(({ source }) => source?.sha256 === sha256);
  const archive = archives.find(({ name }) => name === kernel?.archive);
  const source = kernel?.source;
  if (archive !== undefined && source !== undefined)
    return withArchiveOpen(archive, tools, (open) => open.path(source));
  throw new RebootlessError(
    "config",
    `the list of kernels has no source with the SHA-256 ${sha256} any more`,
  );
}

async function onlyFile(place: string): Promise<readonly string[]> {
  const names = await readdir(place);
  return names.filter((name) => !name.startsWith(".")).map((name) => join(place, name));
}
