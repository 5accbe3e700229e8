import { access, constants, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { foldersOf, type Places } from "../../node/config/config.ts";
import { hasErrno } from "../../node/errno.ts";
import { requireOwnFolders } from "../../node/own_folders.ts";
import { type Check, type CheckOutcome, fail, ok, warn } from "./check.ts";

const MIB = 1024 * 1024;
/** Room for the largest module and the largest feed, each beside the one that it replaces. */
const NEEDED_BYTES = 128 * MIB;
/** With less than this, the updates of a year could fill the disk. */
const COMFORTABLE_BYTES = 512 * MIB;

/** What is checked of a file system. */
interface Volume {
  readonly freeBytes: number;
  readonly writable: boolean;
}

/** Looks at the file system of a folder; undefined if there is no such folder. */
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

/** Checks that there is room for what is fetched, and that only root controls the folders. */
export const storageChecks = (places: Places, volume: VolumeOf = volumeOf): readonly Check[] => [
  { name: "disk", look: () => disk(places.stateDir, volume) },
  { name: "folders", look: async () => folders(places) },
];

function folders(places: Places): CheckOutcome {
  const paths = foldersOf(places);
  requireOwnFolders(paths);
  return ok(`only root controls ${paths.join(", ")}`);
}

/** Checks the folder, or the nearest existing one above it. The first run creates the rest. */
async function disk(path: string, volume: VolumeOf): Promise<CheckOutcome> {
  const found = await volume(path);
  if (!found)
    return path === dirname(path) ? fail(`${path} does not exist`) : await disk(dirname(path), volume);
  const free = `${Math.floor(found.freeBytes / MIB)} MiB free in ${path}`;
  if (!found.writable)
    return fail(`${path} cannot be written`, "Run as root, and check whether it is mounted read-only.");
  if (found.freeBytes < NEEDED_BYTES)
    return fail(free, `Make room: at least ${NEEDED_BYTES / MIB} MiB are needed.`);
  if (found.freeBytes < COMFORTABLE_BYTES)
    return warn(free, `This is enough for now; ${COMFORTABLE_BYTES / MIB} MiB are enough for a long time.`);
  return ok(free);
}
