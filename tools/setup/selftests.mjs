import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { downloadPackages, ensurePackages, retryWithNewLists, showPackages } from "./apt.mjs";
import { progress, runOrFail } from "./run.mjs";

/*
 * These are the kernel's own tests of livepatch, from the distribution's source package. They are not part of this
 * project: they are fetched before they run, and only into the cache.
 */

/** The series whose tests are used. Later series build their modules and count their cases in another way. */
export const SELFTESTS_SERIES = "6.1";

/** The programs that the scripts call and that a guest does not have by itself. */
const PACKAGES = ["bash", "coreutils", "diffutils", "procps", "kmod"];
const FOLDERS = ["lib/livepatch", "tools/testing/selftests/livepatch"];

async function unpack(source, directory) {
  progress(`fetching ${source.name} ${source.version}`);
  await mkdir(join(directory, ".."), { recursive: true });
  const temporary = await mkdtemp(`${directory}.tmp-`);
  try {
    await downloadPackages([source], temporary);
    const [deb] = await readdir(temporary);
    await runOrFail("dpkg-deb", ["-x", join(temporary, deb), join(temporary, "package")]);
    const archive = join(temporary, "package/usr/src", `${source.name}.tar.xz`);
    const tree = join(temporary, "tree");
    await mkdir(tree);
    const members = FOLDERS.map((folder) => `${source.name}/${folder}`);
    await runOrFail("tar", ["-xJf", archive, "-C", tree, "--strip-components=1", ...members]);
    await rename(tree, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Returns the folder with both trees, from the distribution's current source. */
export async function ensureSelftests(root) {
  await ensurePackages(PACKAGES);
  return await retryWithNewLists(async () => {
    const [source] = await showPackages([`linux-source-${SELFTESTS_SERIES}`]);
    const directory = join(root, ".cache", "selftests", source.version);
    if (!existsSync(directory)) await unpack(source, directory);
    return directory;
  });
}
