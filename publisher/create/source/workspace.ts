import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { folderLock } from "../../../node/lock.ts";
import { type ObjectName, objectName } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { agreement, writePahole } from "./agreement.ts";
import type { FileChange } from "./apply_patch.ts";
import { generatedFiles } from "./generated.ts";
import { type KernelHeaders, TAKEN_FILES } from "./headers.ts";
import { type IncludeIndex, includedSources, includesOf } from "./include_index.ts";
import { type Kbuild, mustMake } from "./kbuild.ts";
import type { SourceTree } from "./source_tree.ts";
import { listUnits, type UnitTable } from "./units.ts";

/** The most prepared trees that are kept. Each has 80,000 links and 40 MB. */
const MAX_WORKSPACES = 6;
/**
 * The longest wait for the lock, in milliseconds. A first preparation takes a minute, and a large patch
 * somewhat longer.
 */
const LOCK_WAIT_MS = 1_800_000;
/**
 * The version of the format. It is raised when the content of a workspace, or the way in which it is made,
 * changes.
 */
const FORMAT = 1;

/**
 * A source tree prepared for compiling single objects with a kernel's own configuration. Only this process
 * uses it.
 */
export interface Workspace {
  readonly kbuild: Kbuild;
  readonly units: UnitTable;
  /** A digest of everything that an object is made of, except the patch. */
  readonly identity: string;
  /** The differences between the compiler here and the kernel's, if it was forced. */
  readonly notes: readonly string[];
  /** The files that include .c files. */
  readonly sources: IncludeIndex;
  /** Returns the index of all includes. The first call takes some seconds. */
  includes(): Promise<IncludeIndex>;
  /** Puts the patched files in their places while `action` runs. */
  patched<T>(changes: readonly FileChange[], action: () => Promise<T>): Promise<T>;
  release(): void;
}

export interface WorkspaceOptions {
  readonly cache: string;
  readonly jobs: number;
  /** The kernel's banner, which names its compiler. */
  readonly banner: string;
  readonly forceCompiler: boolean;
  readonly progress: (line: string) => void;
}

interface Ready {
  readonly generated: string;
  readonly notes: readonly string[];
  readonly units: readonly (readonly [string, string])[];
  readonly sources: readonly (readonly [string, readonly string[]])[];
}

/**
 * Opens a workspace in which the source consists of links in separate folders, and patched files take the
 * place of links. The user's tree is only read, and objects are compiled at the same path before and after. A
 * workspace is prepared once for a source and a configuration.
 * @throws RebootlessError `usage` if source, headers, compiler and image do not belong together.
 * @throws RebootlessError `io`, `locked`.
 */
export async function openWorkspace(
  source: SourceTree,
  headers: KernelHeaders,
  options: WorkspaceOptions,
): Promise<Workspace> {
  const { cache, progress } = options;
  const identity = digest([
    String(FORMAT),
    source.identity,
    headers.identity,
    options.banner,
    String(options.forceCompiler),
  ]);
  const folder = join(cache, "trees", digest([identity, source.root]).slice(0, 24));
  await mkdir(folder, { recursive: true });
  const lock = folderLock(folder, {
    waitMs: LOCK_WAIT_MS,
    onWait: () => progress("waiting for another run that uses the same source"),
  });
  await lock.take();
  try {
    const kbuild: Kbuild = {
      tree: join(folder, "tree"),
      out: join(folder, "out"),
      jobs: options.jobs,
      onCompiled: (object) => progress(`compiled ${object}`),
    };
    const ready = (await readReady(folder)) ?? (await prepare(folder, kbuild, source, headers, options));
    await prune(join(cache, "trees"), folder);
    return {
      kbuild,
      units: new Map(ready.units.map(([path, object]): [string, ObjectName] => [path, objectName(object)])),
      identity,
      notes: ready.notes,
      sources: new Map(ready.sources),
      includes: () => includesOf(source.root, folder),
      patched: (changes, action) => withPatched(folder, kbuild, source, ready, changes, action),
      release: lock.release,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

const digest = (parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");

const readyFile = (folder: string): string => join(folder, "ready.json");

/**
 * Reads the state of a prepared workspace. It returns undefined, too, if a run ended while patched files were
 * in their places: nothing in the workspace can be trusted then.
 */
async function readReady(folder: string): Promise<Ready | undefined> {
  try {
    const ready = JSON.parse(await readFile(readyFile(folder), "utf8")) as Ready;
    await utimes(readyFile(folder), new Date(), new Date());
    return ready;
  } catch {
    return undefined;
  }
}

async function prepare(
  folder: string,
  kbuild: Kbuild,
  source: SourceTree,
  headers: KernelHeaders,
  options: WorkspaceOptions,
): Promise<Ready> {
  await agreement.version(source.root, headers);
  options.progress(`preparing ${source.root} for ${headers.release}; this takes half a minute, once`);
  await rm(kbuild.tree, { recursive: true, force: true });
  await rm(kbuild.out, { recursive: true, force: true });
  linkTree(source, kbuild.tree);
  await mkdir(kbuild.out);
  for (const name of TAKEN_FILES) await copyIfThere(join(headers.flavour, name), join(kbuild.out, name));
  await writePahole(kbuild.out, headers.config);
  await mustMake(kbuild, ["olddefconfig"]);
  const notes = await agreement.configuration(kbuild.out, headers, options);
  await mustMake(kbuild, ["modules_prepare"]);
  await agreement.generated(kbuild.out, headers, notes.length > 0);
  const units = await listUnits(kbuild.tree, kbuild.out, kbuild.jobs);
  const ready: Ready = {
    generated: await generatedFiles(kbuild.out),
    notes,
    units: [...units],
    sources: [...(await includedSources(source.root))],
  };
  await writeFile(readyFile(folder), JSON.stringify(ready));
  return ready;
}

const copyIfThere = (from: string, to: string): Promise<void> =>
  copyFile(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });

/** Links the source into a tree. With 80,000 links, one call after the other is quicker than promises. */
function linkTree({ root, folders, files }: SourceTree, tree: string): void {
  mkdirSync(tree, { recursive: true });
  for (const path of folders) mkdirSync(join(tree, path));
  for (const path of files) symlinkSync(join(root, path), join(tree, path));
}

async function withPatched<T>(
  folder: string,
  kbuild: Kbuild,
  source: SourceTree,
  ready: Ready,
  changes: readonly FileChange[],
  action: () => Promise<T>,
): Promise<T> {
  // The workspace cannot be used until everything is restored. If this process ends before that, the next one
  // prepares it again.
  await rm(readyFile(folder));
  try {
    for (const change of changes) await replace(kbuild.tree, change);
    const result = await action();
    if ((await generatedFiles(kbuild.out)) === ready.generated) return result;
  } finally {
    for (const { path } of changes) await restore(kbuild.tree, source.root, path);
    if ((await generatedFiles(kbuild.out)) === ready.generated)
      await writeFile(readyFile(folder), JSON.stringify(ready));
  }
  throw new RebootlessError(
    "not_live",
    "the patch changes headers that the kernel's build generates from other headers",
    {
      hint: "A structure changed, and with it offsets that assembly uses. This cannot be applied to a running kernel.",
    },
  );
}

async function replace(tree: string, { path, numbered }: FileChange): Promise<void> {
  const place = join(tree, path);
  await rm(place, { force: true }); // this removes the link, not its target
  if (numbered === undefined) return;
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, numbered, { encoding: "latin1", flag: "wx" });
}

async function restore(tree: string, root: string, path: string): Promise<void> {
  rmSync(join(tree, path), { force: true });
  if (lstatSync(join(root, path), { throwIfNoEntry: false }))
    await symlink(join(root, path), join(tree, path));
}

/**
 * Removes the workspaces that were not used for the longest time. It leaves this process's own, and those
 * without a state file, because another run may be using them.
 */
async function prune(trees: string, own: string): Promise<void> {
  const found: { readonly folder: string; readonly used: number }[] = [];
  for (const name of await readdir(trees)) {
    const folder = join(trees, name);
    const used = await stat(readyFile(folder)).catch(() => undefined);
    if (folder !== own && used !== undefined) found.push({ folder, used: used.mtimeMs });
  }
  const old = found.sort((a, b) => b.used - a.used).slice(MAX_WORKSPACES - 1);
  for (const { folder } of old) await rm(folder, { recursive: true, force: true });
}
