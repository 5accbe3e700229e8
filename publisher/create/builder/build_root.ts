import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FolderLock, folderLock } from "../../../node/lock.ts";
import { lastLines } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { mustRunBuildTool } from "../source/build_tools.ts";
import type { KernelCompiler, PackagedCompiler } from "../source/compiler.ts";
import { emptyTree, pruneTrees, readyFile } from "../source/prepared_trees.ts";
import { type FoundSuite, findSuite } from "./archive_suites.ts";
import { type BuildPlace, behindCommand } from "./build_place.ts";
import {
  archiveSettings,
  commandInRoot,
  debstrapArguments,
  KEPT_PARTS,
  LEFT_OUT_PARTS,
  MISSING_LINKS,
  rootPackages,
} from "./root_contents.ts";
import { SUITE_NAME } from "./root_suite.ts";

/** The most roots that are kept. Each takes 350 MB. */
const MAX_ROOTS = 3;
/** The longest wait for another run that makes the same root, in milliseconds. */
const LOCK_WAIT_MS = 1_800_000;

export interface RootOptions {
  /** The name of a suite; by default it is found by the version of the compiler. */
  readonly suite: string | undefined;
  /** True if a suite that was named may have another version of the compiler than the kernel's. */
  readonly forceCompiler: boolean;
  readonly cache: string;
  readonly progress: (line: string) => void;
}

/**
 * Opens a build root: a folder with exactly the kernel's compiler and the programs that its makefiles use, in which they
 * run. It is made once for a suite and a version of the compiler, and is in use until it is released.
 * @throws RebootlessError `usage`; `unsupported` if no suite has the compiler, and if a program is missing here; `io`,
 * `locked`.
 */
export async function openRoot(compiler: KernelCompiler, options: RootOptions): Promise<BuildPlace> {
  const { packaged } = compiler;
  if (packaged === undefined)
    throw new RebootlessError(
      "unsupported",
      `which package has the compiler is not known: ${compiler.text}`,
      {
        hint: "Compile where it is installed: --builder is for that.",
      },
    );
  const { suite } = options;
  if (suite !== undefined && !SUITE_NAME.test(suite))
    throw new RebootlessError("usage", `not the name of a suite: ${JSON.stringify(suite)}`);
  await mustRunBuildTool("bwrap", ["--version"], { hint: "Install bubblewrap." });
  const roots = join(options.cache, "roots");
  await mkdir(roots, { recursive: true });
  const found = (await keptRoot(roots, packaged, suite)) ?? (await rootToMake(packaged, options));
  const folder = join(roots, found.name);
  const lock = await takeReady(folder, found, options.progress);
  try {
    await utimes(readyFile(folder), new Date(), new Date());
    await pruneTrees(roots, folder, MAX_ROOTS);
    const root = join(folder, "root");
    await mustRunAnything(root);
    return {
      identity: `root ${found.name}`,
      runner: (folders) => behindCommand(commandInRoot(root, folders), "Install bubblewrap."),
      release: lock.release,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A root that is there, or is to be made. */
interface NamedRoot {
  readonly name: string;
  readonly packages: readonly string[];
  /** Where it is made from. None for one that is there. */
  readonly from?: FoundSuite;
}

const nameOf = (codename: string, { name, version }: Pick<PackagedCompiler, "name" | "version">): string =>
  `${codename}_${name}_${version.replaceAll(":", "%3a")}`;

/** Returns a root that is ready and has the compiler. */
async function keptRoot(
  roots: string,
  compiler: PackagedCompiler,
  suite: string | undefined,
): Promise<NamedRoot | undefined> {
  const packages = rootPackages(compiler);
  const end = nameOf("", compiler);
  for (const name of await readdir(roots))
    if (name.endsWith(end) && (suite === undefined || name === `${suite}${end}`))
      if (await isReady(join(roots, name), packages)) return { name, packages };
  return undefined;
}

async function rootToMake(compiler: PackagedCompiler, options: RootOptions): Promise<NamedRoot> {
  const { suite: wanted, forceCompiler: anyVersion, cache, progress } = options;
  const from = await findSuite(compiler, { wanted, anyVersion, folder: join(cache, "suites"), progress });
  const installed = { name: compiler.name, version: from.version };
  return { name: nameOf(from.codename, installed), packages: rootPackages(installed), from };
}

/** A root is ready if its list of packages, which is written last, is today's. */
const isReady = async (folder: string, packages: readonly string[]): Promise<boolean> =>
  (await readFile(readyFile(folder), "utf8").catch(() => "")) === JSON.stringify(packages);

/** Takes the lock of a root, which others may share, and makes the root if it is not there. */
async function takeReady(
  folder: string,
  { packages, from }: NamedRoot,
  progress: (line: string) => void,
): Promise<FolderLock> {
  const options = {
    waitMs: LOCK_WAIT_MS,
    onWait: () => progress("waiting for another run that makes the root"),
  };
  for (;;) {
    const shared = folderLock(folder, { ...options, shared: true });
    await shared.take();
    if (await isReady(folder, packages)) return shared;
    shared.release();
    const alone = folderLock(folder, options);
    await alone.take();
    try {
      if (await isReady(folder, packages)) continue; // another run has made it
      if (from === undefined)
        throw new RebootlessError("io", `another run has removed ${folder}`, {
          hint: "Run the command again.",
        });
      await makeRoot(folder, packages, from, { progress, lock: alone });
    } finally {
      alone.release();
    }
  }
}

/**
 * Makes a root. What is there of an earlier try is removed, and nothing stays if this one fails. If this process is killed,
 * mmdebstrap goes on and holds the lock as long.
 */
async function makeRoot(
  folder: string,
  packages: readonly string[],
  from: FoundSuite,
  { progress, lock }: { readonly progress: (line: string) => void; readonly lock: FolderLock },
): Promise<void> {
  progress(`making a build root of ${from.codename}, once: it takes some minutes and 350 MB in the cache`);
  await emptyTree(folder);
  try {
    const made = join(folder, "made");
    const sources = join(folder, "root.sources");
    await writeFile(sources, from.sources);
    const dump = await mustRunBuildTool("apt-config", ["dump", "--format", '%f "%v";%n', "Acquire"]);
    const { codename } = from;
    const settings = archiveSettings(dump);
    const args = debstrapArguments(packages, { codename, folder: made, sources, settings });
    const held = lock.descriptor();
    const descriptors = held === undefined ? [] : [held];
    await mustRunBuildTool("mmdebstrap", args, { env: proxies(), descriptors, hint: "Install mmdebstrap." });
    for (const part of LEFT_OUT_PARTS) await rm(join(made, part), { recursive: true, force: true });
    for (const [target, link] of MISSING_LINKS) await symlink(target, join(made, link));
    const root = join(folder, "root");
    await mkdir(root);
    for (const part of KEPT_PARTS) await rename(join(made, part), join(root, part));
    await rm(made, { recursive: true });
    await writeFile(`${readyFile(folder)}.tmp`, JSON.stringify(packages));
    await rename(`${readyFile(folder)}.tmp`, readyFile(folder));
  } catch (error) {
    await emptyTree(folder);
    throw error;
  }
}

/** Returns the variables that tell apt of a proxy. */
const proxies = (): Record<string, string> =>
  Object.fromEntries(
    ["http_proxy", "https_proxy", "no_proxy"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** @throws RebootlessError `unsupported` if no program runs in a root. */
async function mustRunAnything(root: string): Promise<void> {
  const { code, stderr } = await behindCommand(commandInRoot(root, undefined), "Install bubblewrap.")(
    "true",
    [],
  );
  if (code === 0) return;
  throw new RebootlessError("unsupported", "no program runs in the build root", {
    output: lastLines(stderr, 5),
    hint: "bubblewrap needs user namespaces, which this machine may keep from users other than root: sysctl kernel.unprivileged_userns_clone, and on Ubuntu kernel.apparmor_restrict_unprivileged_userns.",
  });
}
