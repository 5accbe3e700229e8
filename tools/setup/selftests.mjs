import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { downloadPackages, ensurePackages, retryWithNewLists, showPackages } from "./apt.mjs";
import { progress, runOrFail } from "./run.mjs";

/*
 * The kernel's own tests of livepatch, out of the distribution's source package. They are not ours: they are fetched
 * when they are to be run, and live in the cache alone.
 */

/** The series whose tests these are: later ones build their modules and count their cases in another way. */
export const SELFTESTS_SERIES = "6.1";

/** What the scripts call, beyond what a guest has. */
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

/** The folder with both trees, of the source that the distribution has now. */
export async function ensureSelftests(root) {
  await ensurePackages(PACKAGES);
  return await retryWithNewLists(async () => {
    const [source] = await showPackages([`linux-source-${SELFTESTS_SERIES}`]);
    const directory = join(root, ".cache", "selftests", source.version);
    if (!existsSync(directory)) await unpack(source, directory);
    return directory;
  });
}
