import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readNamed } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { isImagePath, oneImage } from "./images.ts";
import { MAX_MODULE_BYTES, type ModuleFile, moduleName, readModule } from "./module_files.ts";

/** The largest number of entries that are looked at. A host with many kernels has some 10,000 module files for each. */
export const MAX_FOLDER_ENTRIES = 500_000;
const MAX_DEPTH = 16;
/** The folders of modules below a root folder. Since the merger of /usr both names may stand for one folder. */
const MODULE_ROOTS = ["lib/modules", "usr/lib/modules"] as const;

/** The files of a kernel that were found in a folder. */
export interface FolderFiles {
  readonly image: string | undefined;
  readonly modules: readonly ModuleFile[];
}

/**
 * Finds the kernel and the modules below a folder: the root of an unpacked package or of a host, its /boot, or a folder
 * of modules. Links to folders are not followed. If the folder has a kernel, only that kernel's modules are returned.
 * @throws RebootlessError `usage`, `limit`.
 */
export async function readFolder(folder: string, wants: (path: string) => boolean): Promise<FolderFiles> {
  const image = oneImage(await imagesOf(folder), folder)?.path;
  const release = image === undefined ? undefined : releaseOf(image);
  const modules: ModuleFile[] = [];
  for await (const path of filesBelow(await moduleFolder(folder, release))) {
    const name = moduleName(path);
    if (name === undefined || !wants(path)) continue;
    modules.push({ name, path, read: async () => readModule(await readNamed(path, MAX_MODULE_BYTES)) });
  }
  return { image, modules };
}

/**
 * Finds the kernels in the /boot of a root folder, or in a folder that is itself a /boot. Packages that have no kernel
 * there have it beside the modules (Fedora, Arch, Debian since 7.2).
 */
async function imagesOf(folder: string): Promise<readonly { path: string }[]> {
  const inBoot = await listed(join(folder, "boot"));
  const places = [inBoot.length > 0 ? inBoot : await listed(folder), ...(await besideModules(folder))];
  for (const paths of places) {
    const images = paths.filter((path) => isImagePath(`boot/${basename(path)}`));
    if (images.length > 0) return images.map((path) => ({ path }));
  }
  return [];
}

/** Lists the files beside the modules of all releases, once for each of the names of the folder. */
async function besideModules(root: string): Promise<readonly (readonly string[])[]> {
  const lists: (readonly string[])[] = [];
  for (const folder of MODULE_ROOTS) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    const releases = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const files = await Promise.all(releases.map((release) => listed(join(root, folder, release))));
    lists.push(files.flat());
  }
  return lists;
}

/** Returns the release that an image's name ends with, or that of the modules that it lies beside. */
function releaseOf(image: string): string {
  const named = basename(image).replace(/^(?:vmlinuz|vmlinux|bzImage)-?/, "");
  return named === "" && /\/modules\/[^/]+\/[^/]+$/.test(image) ? basename(dirname(image)) : named;
}

async function moduleFolder(folder: string, release: string | undefined): Promise<string> {
  for (const root of MODULE_ROOTS) {
    const path = join(folder, root, release ?? "");
    if (await isFolder(path)) return path;
  }
  return folder;
}

/** Lists the paths of the regular files in a folder. The list is empty if the folder does not exist. */
async function listed(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

async function* filesBelow(root: string): AsyncGenerator<string, void> {
  const folders = [{ path: root, depth: 0 }];
  let count = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const entries = await readdir(next.path, { withFileTypes: true });
    count += entries.length;
    if (count > MAX_FOLDER_ENTRIES) {
      throw new RebootlessError("limit", `${root}: more than ${MAX_FOLDER_ENTRIES} files`);
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(next.path, entry.name);
      if (entry.isDirectory() && next.depth < MAX_DEPTH) folders.push({ path, depth: next.depth + 1 });
      else if (entry.isFile()) yield path;
    }
  }
}
