import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadPackages, ensurePackages, requireDebian } from "./apt.mjs";
import { newestFirst } from "./kernels.mjs";
import { capture, progress, runOrFail, SetupError } from "./run.mjs";
import { stableRelease, suitesApt } from "./suites.mjs";

/*
 * This file prepares the making of livepatch modules with the tools of others. They run in a minimal root of Debian's
 * stable release, with its compiler, its kpatch-build, and the newest kernel source of its backports, which has klp-build
 * in it. All of it comes from the distribution's packages, and all of it stays in .cache/tools.
 */

/** What kbuild calls, and what the two tools call beside it. */
const INCLUDED = [
  ...["bc", "bison", "ccache", "flex", "gcc", "libc6-dev", "libdw-dev", "libelf-dev", "libssl-dev", "make"],
  ...[
    "elfutils",
    "gawk",
    "kmod",
    "libxxhash-dev",
    "patch",
    "patchutils",
    "perl",
    "pkgconf",
    "python3",
    "xz-utils",
  ],
];

/** Returns the version of a package that one suite has: {name, version}. apt itself would take the newest of all suites. */
async function packageOf(name, suite, apt) {
  const table = await capture("apt-cache", ["madison", name], apt);
  const version = new RegExp(`\\|\\s*(\\S+)\\s*\\|\\s*\\S+ ${suite}/main `).exec(table)?.[1];
  return version === undefined ? undefined : { name, version };
}

/** Returns the newest series' source package in a suite. */
async function newestSource(suite, apt) {
  const found = await capture("apt-cache", ["search", "--names-only", "^linux-source-[0-9.]+$"], apt);
  const series = [...found.matchAll(/^linux-source-([0-9.]+) /gm)].map(([, name]) => name);
  for (const newest of await newestFirst(series)) {
    const source = await packageOf(`linux-source-${newest}`, suite, apt);
    if (source !== undefined) return { ...source, series: newest };
  }
  throw new SetupError(`${suite} has no kernel source`);
}

/** Downloads a package and hands its file to `use`. */
async function withPackage(source, apt, use) {
  const folder = await mkdtemp("/tmp/rebootless-tools-");
  try {
    progress(`fetching ${source.name} ${source.version}`);
    await downloadPackages([source], folder, apt);
    const [deb] = await readdir(folder);
    await use(join(folder, deb), folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes the root, with kpatch-build but without the tools for making packages that its own package asks for. */
async function makeRoot(directory, { uri, codename, keyring }, kpatch, apt) {
  progress(`making a root of ${codename} (mmdebstrap)`);
  const suites = [codename, `${codename}-backports`];
  const sources = suites.map((suite) => `deb [signed-by=${keyring}] ${uri} ${suite} main`);
  const options = ["--mode=root", "--variant=apt", `--include=${INCLUDED.join(",")}`];
  await runOrFail("mmdebstrap", [...options, codename, directory, ...sources]);
  await withPackage(kpatch, apt, (deb) => runOrFail("dpkg-deb", ["-x", deb, directory]));
}

/** Unpacks the source into the folder of the root in which everything is made (test/proof/tools/root_commands.ts). */
async function unpackSource(directory, source, apt) {
  const work = join(directory, "build");
  await mkdir(work, { recursive: true });
  await withPackage(source, apt, async (deb, folder) => {
    await runOrFail("dpkg-deb", ["-x", deb, join(folder, "package")]);
    const archive = join(folder, "package/usr/src", `${source.name}.tar.xz`);
    const tree = join(work, "linux.tmp");
    await rm(tree, { recursive: true, force: true });
    await mkdir(tree);
    await runOrFail("tar", ["-xJf", archive, "-C", tree, "--strip-components=1"]);
    await rename(tree, join(work, "linux"));
  });
}

/**
 * Makes sure that there is such a root. Returns the path of a file that says where everything is
 * (test/proof/tools/workshop.ts reads it). Root only, because the tools run in the root.
 */
export async function ensureTools(root) {
  await requireDebian();
  if (process.getuid() !== 0) throw new SetupError("the tools run in a root of their own", "Run as root.");
  const cache = join(root, ".cache");
  const apt = await suitesApt(cache);
  const release = await stableRelease(apt);
  await ensurePackages(["mmdebstrap"]);
  const source = await newestSource(`${release.codename}-backports`, apt);
  const kpatch = await packageOf("kpatch-build", release.codename, apt);
  if (kpatch === undefined) throw new SetupError(`${release.codename} has no kpatch-build`);
  const folder = join(cache, "tools", source.version.replaceAll(/[^\w.+-]/g, "_"));
  await mkdir(folder, { recursive: true });
  const directory = join(folder, "root");
  if (!existsSync(join(folder, "root.made"))) {
    await rm(directory, { recursive: true, force: true });
    await makeRoot(directory, release, kpatch, apt);
    await writeFile(join(folder, "root.made"), "");
  }
  if (!existsSync(join(directory, "build/linux"))) await unpackSource(directory, source, apt);
  const file = join(folder, "tools.json");
  await writeFile(file, `${JSON.stringify({ folder, series: source.series }, null, 2)}\n`);
  return file;
}
