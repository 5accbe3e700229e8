import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
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

/** Finds the kernels in the /boot of a root folder, or in a folder that is itself a /boot. */
async function imagesOf(folder: string): Promise<readonly { path: string }[]> {
  const inBoot = await listed(join(folder, "boot"));
  const paths = inBoot.length > 0 ? inBoot : await listed(folder);
  return paths.filter((path) => isImagePath(`boot/${basename(path)}`)).map((path) => ({ path }));
}

const releaseOf = (image: string): string => basename(image).replace(/^(?:vmlinuz|vmlinux|bzImage)-?/, "");

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
