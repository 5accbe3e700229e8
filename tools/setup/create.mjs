import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, realpath, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  completeLists,
  downloadPackages,
  ensurePackages,
  OWN_APT,
  requireDebian,
  retryWithNewLists,
} from "./apt.mjs";
import {
  fetchKernels,
  kernelsOfSeries,
  newestFirst,
  planExact,
  planExactElsewhere,
  seriesOf,
} from "./kernels.mjs";
import { capture, progress, SetupError } from "./run.mjs";
import { suitesApt } from "./suites.mjs";

/*
 * This file prepares the making of updates from source patches. That takes the kernel's own compiler and build tools,
 * the source packages of two versions, and image and headers of the older version. It asks the archive what there is.
 * Downloads stay in .cache/create.
 */

/**
 * The programs that kbuild calls to prepare a tree and to compile an object, in addition to the compiler that the
 * headers ask for. The programs that run during the build are made with a compiler named gcc.
 */
const BUILD_TOOLS = [
  "bc",
  "bison",
  "flex",
  "gcc",
  "libc6-dev",
  "libelf-dev",
  "libssl-dev",
  "make",
  "patch",
  "python3",
  "xz-utils",
];
/** The programs with which `create` makes a root for a compiler of another release, and runs it there. */
const ROOT_TOOLS = ["bubblewrap", "mmdebstrap"];
const DEFAULT_SERIES = "6.1";

/** Lists the versions of a series' source package that the archive has, newest first. */
async function sourceVersions(series, apt) {
  const table = await capture("apt-cache", ["madison", `linux-source-${series}`], apt);
  const versions = table.split("\n").flatMap((line) => /\|\s*(\S+)\s*\|.* Packages$/.exec(line)?.[1] ?? []);
  return await newestFirst([...new Set(versions)]);
}

/** Returns what the archive has of a series: the versions of its source, and the kernel of each version, if there is one. */
async function archiveOf(series, apt = OWN_APT) {
  const sources = await sourceVersions(series, apt);
  const kernels = await kernelsOfSeries(series, apt);
  const kernelOf = (version) => kernels.find((kernel) => kernel.package === version)?.version;
  return { series, sources, kernelOf };
}

/**
 * Returns the pair that was asked for, or the newest that exists: {from, to, kernel, asked}. `to` needs only its
 * source. Reports a pair that differs from the one that was asked for.
 */
async function choosePair(from, to) {
  const archive = await archiveOf(seriesOf(from ?? DEFAULT_SERIES));
  const { sources, kernelOf } = archive;
  if (sources.includes(from) && sources.includes(to) && kernelOf(from) !== undefined) {
    return { from, to, kernel: kernelOf(from), asked: true };
  }
  const pair = newestPair(archive);
  progress(
    `${from} and ${to} are not in the archive any more: taking ${pair.from} and ${pair.to}, the newest pair`,
  );
  return { ...pair, kernel: kernelOf(pair.from), asked: false };
}

/** Returns the newest two versions of a series' source of which the older one has a kernel: {from, to}. */
function newestPair({ series, sources, kernelOf }) {
  const index = sources.findIndex((version, at) => at > 0 && kernelOf(version) !== undefined);
  if (index > 0) return { from: sources[index], to: sources[index - 1] };
  throw new SetupError(
    `apt offers no two versions of linux-source-${series} with a kernel of the older one`,
    "Run as root: apt-get update (and see that the security archive is among apt's sources)",
  );
}

/**
 * Returns what {@link ensurePair} does, for the newest two versions of a series ("6.12"). Of a series that only Debian's
 * other suites have, it is the newest version alone.
 */
export async function ensureNewestPair(root, series) {
  await requireDebian();
  const own = await retryWithNewLists(async () => {
    await completeLists();
    return await archiveOf(series);
  });
  if (own.sources.length === 0) return await ensureElsewhere(root, series);
  const { from, to } = newestPair(own);
  return await ensurePair(root, from, to);
}

/**
 * Returns what {@link ensurePair} does for each step between two versions of a series' source that follow each other, of
 * which the older one has a kernel, and for all of them at once: the newest first, the longest last.
 */
export async function ensureSteps(root, series) {
  await requireDebian();
  const { sources, kernelOf } = await retryWithNewLists(async () => {
    await completeLists();
    return await archiveOf(series);
  });
  const [newest] = sources;
  const steps = sources.slice(1).map((from, index) => ({ from, to: sources[index] }));
  const possible = steps.filter(({ from }) => kernelOf(from) !== undefined);
  const oldest = possible.at(-1);
  const longest = oldest === undefined || oldest.to === newest ? [] : [{ from: oldest.from, to: newest }];
  const files = [];
  for (const { from, to } of [...possible, ...longest]) files.push(await ensurePair(root, from, to));
  return files;
}

/** Makes sure that updates can be made for the newest kernel of a series that this machine's apt does not offer. */
async function ensureElsewhere(root, series) {
  await retryWithNewLists(() => ensurePackages([...BUILD_TOOLS, ...ROOT_TOOLS]));
  const { cache, directory } = await cacheOf(root);
  const apt = await suitesApt(cache);
  const { sources, kernelOf } = await archiveOf(series, apt);
  const from = sources.find((version) => kernelOf(version) !== undefined);
  if (from === undefined)
    throw new SetupError(`no suite of Debian has linux-source-${series} and a kernel of its version`);
  const file = join(directory, `${from}.json`);
  const plan = await planExactElsewhere(kernelOf(from), apt);
  const [kernel] = await fetchKernels([plan], join(cache, "kernels"));
  const source = await fetchSource(from, directory, apt);
  const image = join(cache, "kernels", kernel.version, "image");
  const step = { from, to: null, asked: true, kernel, image, sources: { from: source, to: null } };
  await writePair(file, { ...step, cache: join(directory, "work") });
  return file;
}

/** Returns the folder of what is fetched, and the one in it for sources, which is made. */
async function cacheOf(root) {
  await mkdir(join(root, ".cache", "create"), { recursive: true });
  const cache = await realpath(join(root, ".cache"));
  return { cache, directory: join(cache, "create") };
}

async function writePair(file, pair) {
  await writeFile(`${file}.tmp`, `${JSON.stringify(pair, null, 2)}\n`);
  await rename(`${file}.tmp`, file);
}

/** Puts a package's file into the cache. */
async function fetchPackage(name, version, directory, apt = OWN_APT) {
  const isIt = (file) => file.startsWith(`${name}_${version.replace(":", "%3a")}_`) && file.endsWith(".deb");
  const present = async () => (await readdir(directory)).find(isIt);
  if ((await present()) === undefined) {
    progress(`fetching ${name} ${version}`);
    await downloadPackages([{ name, version }], directory, apt);
  }
  const file = await present();
  if (file === undefined) throw new SetupError(`apt left no file of ${name} ${version}`);
  return join(directory, file);
}

const fetchSource = (version, directory, apt = OWN_APT) =>
  fetchPackage(`linux-source-${seriesOf(version)}`, version, directory, apt);

async function prepare(cache, from, to) {
  return await retryWithNewLists(async () => {
    const pair = await choosePair(from, to);
    const plan = await planExact(pair.kernel);
    await ensurePackages([...BUILD_TOOLS, ...plan.tools]);
    const [kernel] = await fetchKernels([plan], join(cache, "kernels"));
    const directory = join(cache, "create");
    const sources = {
      from: await fetchSource(pair.from, directory),
      to: await fetchSource(pair.to, directory),
    };
    const image = await fetchPackage(`linux-image-${pair.kernel}`, pair.from, directory);
    return { ...pair, kernel, image, sources, cache: join(directory, "work") };
  });
}

/**
 * Makes sure that updates can be made from the difference of two versions of the distribution's source ("6.1.192-1").
 * Returns the path of a file that says where everything is (test/proof/create/pair.ts reads it).
 */
export async function ensurePair(root, from, to) {
  await requireDebian();
  const { cache, directory } = await cacheOf(root);
  const file = join(directory, `${from}_${to}.json`);
  const earlier = await remembered(file);
  if (earlier === undefined) {
    await completeLists();
    await writePair(file, await prepare(cache, from, to));
  }
  return file;
}

/**
 * Makes sure that updates can be made here for the newest kernels of a series that this machine's apt offers with their
 * headers and source. Returns so many of their releases, newest first.
 */
export async function ensureBuildable(series, count) {
  await requireDebian();
  return await retryWithNewLists(async () => {
    await completeLists();
    const { sources, kernelOf } = await archiveOf(series);
    const releases = sources.flatMap((version) => kernelOf(version) ?? []).slice(0, count);
    if (releases.length < count)
      throw new SetupError(`apt offers ${releases.length} kernels of ${series} with headers and source`);
    const plans = [];
    for (const release of releases) plans.push(await planExact(release));
    await ensurePackages([...BUILD_TOOLS, ...plans.flatMap(({ tools }) => tools)]);
    return releases;
  });
}

/** Returns what an earlier run wrote, if everything in it still exists. The packages of a version never change. */
async function remembered(file) {
  try {
    const pair = JSON.parse(await readFile(file, "utf8"));
    const { kernel, image, sources } = pair;
    const paths = [image, kernel.vmlinuz, kernel.modules, kernel.headers, sources.from, sources.to];
    await ensurePackages(BUILD_TOOLS);
    return pair.asked && paths.every((path) => existsSync(path)) ? pair : undefined;
  } catch {
    return undefined;
  }
}
