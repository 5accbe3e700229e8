import { createHash } from "node:crypto";
import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { knownDigest } from "../../kernel_files/known_digest.ts";
import { mustRunBuildTool } from "./build_tools.ts";

/** The most files and folders in a tree. A kernel has some 80,000 files. */
const MAX_TREE_ENTRIES = 400_000;
const MAX_DEPTH = 24;
/** The names of files that builds leave in a tree, and of files that are not source. */
const NOT_SOURCE = new Set([
  ".git",
  ".config",
  "include/config",
  "include/generated",
  "arch/x86/include/generated",
]);
const NOT_SOURCE_NAME = /(?:\.o|\.a|\.ko|\.mod|\.cmd|\.order|\.builtin)$/;

/** The source that a kernel was built from. It is read, never written. */
export interface SourceTree {
  /** The absolute path of the tree. */
  readonly root: string;
  /** The folders, relative to the root, each before its content. Files are relative to it, too. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /**
   * A digest of names, sizes and times, which changes when a file does. It does not depend on the tree's
   * place.
   */
  readonly identity: string;
}

/**
 * Opens a kernel's source.
 * @param path a tree, or the distribution's package of it (linux-source-*.deb) or archive (.tar.xz, .tar.gz),
 * which is unpacked into the cache once.
 * @throws RebootlessError `usage` for a path that is no kernel source.
 * @throws RebootlessError `limit`, `io`.
 */
export async function openSource(
  path: string,
  cache: string,
  progress: (line: string) => void,
): Promise<SourceTree> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  });
  const root = found.isDirectory()
    ? await kernelRoot(await realpath(path))
    : await unpacked(path, cache, progress);
  if (root !== undefined) return scan(root);
  throw new RebootlessError("usage", `${path} is not the source of a Linux kernel`, {
    hint: "Give the unpacked tree, or the distribution's linux-source package.",
  });
}

/** Returns the folder itself, or the folder in it that is a kernel's. */
async function kernelRoot(folder: string): Promise<string | undefined> {
  const inside = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  for (const root of [folder, ...inside.map(({ name }) => join(folder, name))]) {
    const makefile = await readFile(join(root, "Makefile"), "utf8").catch(() => "");
    if (/^VERSION = \d+\nPATCHLEVEL = \d+$/m.test(makefile)) return root;
    if (inside.length > 4) return undefined;
  }
  return undefined;
}

function scan(root: string): SourceTree {
  const hash = createHash("sha256");
  const folders: string[] = [];
  const files: string[] = [];
  const visit = (folder: string, depth: number): void => {
    if (depth > MAX_DEPTH || folders.length + files.length > MAX_TREE_ENTRIES)
      throw new RebootlessError(
        "limit",
        `${root}: more than ${MAX_TREE_ENTRIES} files, or folders that nest too deeply`,
      );
    for (const entry of sorted(join(root, folder))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (NOT_SOURCE.has(path) || NOT_SOURCE_NAME.test(entry.name)) continue;
      if (entry.isDirectory()) {
        folders.push(path);
        visit(path, depth + 1);
      } else {
        const { size, mtimeMs } = lstatSync(join(root, path));
        hash.update(`${path}\0${size}\0${mtimeMs}\n`);
        files.push(path);
      }
    }
  };
  visit("", 0);
  return { root, folders, files, identity: hash.digest("hex") };
}

/** Lists a folder sorted by name, because its own order may change while the tree does not. */
const sorted = (folder: string): readonly Dirent[] =>
  readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Unpacks an archive, unless it was unpacked before. The new folder is named by the archive's digest, and is
 * there as a whole or not at all.
 */
async function unpacked(
  path: string,
  cache: string,
  progress: (line: string) => void,
): Promise<string | undefined> {
  const folders = join(cache, "sources");
  const folder = join(folders, (await knownDigest(path, cache)).slice(0, 32));
  if (await isThere(folder)) return kernelRoot(folder);
  progress(`unpacking ${path}, once: it takes about a minute of CPU time and 1.5 GB in the cache`);
  await mkdir(folders, { recursive: true });
  const temporary = await mkdtemp(`${folder}.tmp-`);
  try {
    const tree = join(temporary, "tree");
    await mkdir(tree);
    const archive = /\.u?deb$/.test(path) ? await archiveOfPackage(path, temporary) : resolve(path);
    await mustRunBuildTool("tar", ["--extract", `--file=${archive}`, "--no-same-owner"], { cwd: tree });
    await rename(tree, folder).catch(async (error: unknown) => {
      if (!(await isThere(folder))) throw error; // another run has put the same there first
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return kernelRoot(folder);
}

/** Extracts the archive of a Debian linux-source package, which has one in usr/src. */
async function archiveOfPackage(path: string, folder: string): Promise<string> {
  const files = join(folder, "package");
  await mustRunBuildTool("dpkg-deb", ["--extract", resolve(path), files]);
  const names = await readdir(join(files, "usr/src")).catch(() => []);
  const archive = names.find((name) => /^linux-source-.*\.tar\.(xz|gz|zst)$/.test(name));
  if (archive !== undefined) return join(files, "usr/src", archive);
  throw new RebootlessError("usage", `${path} is not a linux-source package`);
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
