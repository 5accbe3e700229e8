import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folderLock } from "../../../node/lock.ts";
import { type ObjectName, objectName } from "../../../shared/brand.ts";
import type { BuildPlace } from "../builder/build_place.ts";
import { agreement } from "./agreement.ts";
import type { FileChange } from "./apply_patch.ts";
import { installedCompiler } from "./compiler.ts";
import { generatedHeaders } from "./generated.ts";
import { type KernelHeaders, TAKEN_FILES } from "./headers.ts";
import { type IncludeIndex, includedSources, includesOf } from "./include_index.ts";
import { type Kbuild, makeVariables, mustMake } from "./kbuild.ts";
import { linkTree } from "./linked_tree.ts";
import { type PatchedOutcome, withPatched } from "./patched_tree.ts";
import { emptyTree, pruneTrees, readyFile } from "./prepared_trees.ts";
import type { SourceTree } from "./source_tree.ts";
import { writeStandIns } from "./stand_ins.ts";
import { listUnits, type UnitTable } from "./units.ts";

/**
 * The longest wait for the lock, in milliseconds. A first preparation takes a minute, and a large patch
 * somewhat longer.
 */
const LOCK_WAIT_MS = 1_800_000;
/**
 * The version of the format. It is raised when the content of a workspace, or the way in which it is made,
 * changes.
 */
const FORMAT = 6;
/**
 * The most prepared trees that are kept, one for each kernel that a publisher serves. Each takes 100 MB: half of it is
 * links, and half is what kbuild makes and the index of includes. Its source takes 1.5 GB.
 */
const MAX_TREES = 64;
/** What preparing a workspace takes, for the person who waits; measured with 6.12 for a cloud flavour. */
const PREPARATION = "about a minute of CPU time and 100 MB in the cache";

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
  /** Puts the patched files in their places while `action` runs; see `withPatched`. */
  patched<T>(changes: readonly FileChange[], action: () => Promise<T>): Promise<PatchedOutcome<T>>;
  release(): void;
}

export interface WorkspaceOptions {
  readonly cache: string;
  /** Where programs run that compile. */
  readonly place: BuildPlace;
  readonly jobs: number;
  readonly forceCompiler: boolean;
  readonly progress: (line: string) => void;
  /** Called whenever kbuild has begun to work, so that something can be done beside it. */
  readonly onStarted?: () => void;
}

interface Ready {
  readonly generated: readonly (readonly [string, string])[];
  readonly notes: readonly string[];
  readonly units: readonly (readonly [string, string])[];
  readonly sources: readonly (readonly [string, readonly string[]])[];
}

/**
 * Opens a workspace in which the source consists of links in separate folders, and patched files take the
 * place of links. The user's tree is only read, and objects are compiled at the same path before and after. A
 * workspace is prepared once for a source and a configuration.
 * @throws RebootlessError `usage` if source, headers and compiler do not belong together.
 * @throws RebootlessError `unsupported` if the kernel's compiler is not installed.
 * @throws RebootlessError `io`, `locked`.
 */
export async function openWorkspace(
  source: SourceTree,
  headers: KernelHeaders,
  options: WorkspaceOptions,
): Promise<Workspace> {
  const { cache, place, progress } = options;
  const compiler = await installedCompiler(headers.config, place.runner());
  const identity = digest([
    String(FORMAT),
    compiler,
    source.identity,
    headers.identity,
    String(options.forceCompiler),
    place.identity,
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
      run: place.runner({ source: source.root, work: folder }),
      tree: join(folder, "tree"),
      out: join(folder, "out"),
      jobs: options.jobs,
      variables: makeVariables(join(folder, "out"), headers.config),
      onStarted: options.onStarted ?? (() => undefined),
      onCompiled: (object) => progress(`compiled ${object}`),
    };
    const ready = (await readReady(folder)) ?? (await prepare(folder, kbuild, source, headers, options));
    await pruneTrees(join(cache, "trees"), folder, MAX_TREES);
    return {
      kbuild,
      units: new Map(ready.units.map(([path, object]): [string, ObjectName] => [path, objectName(object)])),
      identity,
      notes: ready.notes,
      sources: new Map(ready.sources),
      includes: () => includesOf(source.root, folder),
      patched: async (changes, action) => {
        // The workspace cannot be used until everything is restored. If this process ends before that, the next one
        // prepares it again.
        await rm(readyFile(folder));
        const restored = (): Promise<void> => writeReady(folder, ready);
        return withPatched(kbuild, source.root, new Map(ready.generated), changes, action, restored);
      },
      release: lock.release,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

const digest = (parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");

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

const writeReady = (folder: string, ready: Ready): Promise<void> =>
  writeFile(readyFile(folder), JSON.stringify(ready));

/** Prepares a workspace. Nothing of it stays if that fails. */
async function prepare(
  folder: string,
  kbuild: Kbuild,
  source: SourceTree,
  headers: KernelHeaders,
  options: WorkspaceOptions,
): Promise<Ready> {
  await agreement.version(source.root, headers);
  await emptyTree(folder);
  try {
    const ready = await prepared(folder, kbuild, source, headers, options);
    await writeReady(folder, ready);
    return ready;
  } catch (error) {
    await emptyTree(folder);
    throw error;
  }
}

async function prepared(
  folder: string,
  kbuild: Kbuild,
  source: SourceTree,
  headers: KernelHeaders,
  options: WorkspaceOptions,
): Promise<Ready> {
  const { progress } = options;
  progress(`preparing the source for ${headers.release}, once: it takes ${PREPARATION}`);
  linkTree(source, kbuild.tree, join(folder, "folders"));
  await mkdir(kbuild.out);
  for (const name of TAKEN_FILES) await copyIfThere(join(headers.flavour, name), join(kbuild.out, name));
  await writeStandIns(kbuild.tree, kbuild.out, headers.config);
  progress("configuring it as the headers package says");
  await mustMake(kbuild, ["olddefconfig"]);
  const notes = await agreement.configuration(kbuild.out, headers, options);
  progress("building the programs and headers that the kernel's build uses");
  await mustMake(kbuild, ["modules_prepare"]);
  await agreement.generated(kbuild.out, headers, notes.length > 0);
  progress("listing the objects that the kernel consists of");
  const units = await listUnits(kbuild);
  return {
    generated: [...(await generatedHeaders(kbuild.out))],
    notes,
    units: [...units],
    sources: [...(await includedSources(source.root))],
  };
}

const copyIfThere = (from: string, to: string): Promise<void> =>
  copyFile(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
