import { access, constants, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { foldersOf, type Places } from "../../node/config/config.ts";
import { hasErrno } from "../../node/errno.ts";
import { requireOwnFolders } from "../../node/own_folders.ts";
import { type Check, type CheckOutcome, fail, ok, warn } from "./check.ts";

const MIB = 1024 * 1024;
/** The largest module and the largest feed, each beside the one that it replaces. */
const NEEDED_BYTES = 128 * MIB;
/** Below this, a year of updates could fill it. */
const COMFORTABLE_BYTES = 512 * MIB;

/** A file system, as far as it decides. */
interface Volume {
  readonly freeBytes: number;
  readonly writable: boolean;
}

/** undefined where there is no such folder. */
type VolumeOf = (path: string) => Promise<Volume | undefined>;

export const volumeOf: VolumeOf = async (path) => {
  try {
    const { bavail, bsize } = await statfs(path);
    const writable = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
    return { freeBytes: bavail * bsize, writable };
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
};

/** Whether what is fetched finds room. */
export const storageChecks = (places: Places, volume: VolumeOf = volumeOf): readonly Check[] => [
  { name: "disk", look: () => disk(places.stateDir, volume) },
  { name: "folders", look: async () => folders(places) },
];

function folders(places: Places): CheckOutcome {
  const paths = foldersOf(places);
  requireOwnFolders(paths);
  return ok(`root alone controls ${paths.join(", ")}`);
}

/** Of the folder, or of the nearest above it that is there: the first run makes the rest. */
async function disk(path: string, volume: VolumeOf): Promise<CheckOutcome> {
  const found = await volume(path);
  if (!found)
    return path === dirname(path) ? fail(`${path} is not there`) : await disk(dirname(path), volume);
  const free = `${Math.floor(found.freeBytes / MIB)} MiB free in ${path}`;
  if (!found.writable)
    return fail(`${path} cannot be written`, "Run as root; see whether it is mounted read-only.");
  if (found.freeBytes < NEEDED_BYTES) return fail(free, `Make room: ${NEEDED_BYTES / MIB} MiB are needed.`);
  if (found.freeBytes < COMFORTABLE_BYTES) return warn(free, `${COMFORTABLE_BYTES / MIB} MiB last for long.`);
  return ok(free);
}
