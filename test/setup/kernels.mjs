import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadPackages, retryWithNewLists, searchNames, showPackage } from "./apt.mjs";
import { progress, runOrFail, SetupError, succeeds } from "./run.mjs";

/*
 * Which kernels the tests boot is asked of the distribution each time: the newest of its newest series ("primary"),
 * the newest of the series before ("secondary"), and one more of the first series ("other"), of which only the image
 * file is read. Images and headers are unpacked into the cache and never installed: newer header packages depend on
 * the image, and a test must not put a kernel into /boot.
 */

const FLAVOUR = "cloud-amd64";

async function versionsOf(kind) {
  const names = await searchNames(`^linux-${kind}-[0-9].*-${FLAVOUR}$`);
  // Three numbers: "6.12-cloud-amd64" is a meta-package.
  const exact = new RegExp(`^linux-${kind}-(\\d+\\.\\d+\\.\\d+\\S*-${FLAVOUR})$`);
  return names.flatMap((name) => exact.exec(name)?.[1] ?? []);
}

export const seriesOf = (version) => version.split(".", 2).join(".");

/** Newest first, in the order of Debian's own version comparison. */
async function newestFirst(versions) {
  const sorted = [];
  for (const version of versions) {
    let at = 0;
    while (
      at < sorted.length &&
      (await succeeds("dpkg", ["--compare-versions", sorted[at], "gt", version]))
    ) {
      at += 1;
    }
    sorted.splice(at, 0, version);
  }
  return sorted;
}

/** Roles for versions that are sorted newest first: [{version, series, role}]. */
export function chooseKernels(versions) {
  const primary = versions[0];
  if (primary === undefined) return [];
  const series = seriesOf(primary);
  const secondary = versions.find((version) => seriesOf(version) !== series) ?? versions[1];
  const other = versions.find(
    (version) => seriesOf(version) === series && version !== primary && version !== secondary,
  );
  const roles = Object.entries({ primary, secondary, other });
  return roles.flatMap(([role, version]) =>
    version === undefined ? [] : [{ version, series: seriesOf(version), role }],
  );
}

async function discover() {
  const headers = new Set(await versionsOf("headers"));
  const versions = (await versionsOf("image")).filter((version) => headers.has(version));
  const chosen = chooseKernels(await newestFirst(versions));
  if (chosen.length < 2) {
    throw new SetupError(
      `apt offers ${versions.length} ${FLAVOUR} kernels with headers; two are needed`,
      "Run as root: apt-get update (and see that the Debian archive for amd64 is among apt's sources)",
    );
  }
  return chosen;
}

/** A package and those it depends on whose names match `follow`; `rest` are all other names depended on. */
async function closure(name, follow) {
  const found = new Map();
  const rest = new Set();
  const visit = async (current) => {
    if (found.has(current)) return;
    const entry = await showPackage(current);
    found.set(current, entry);
    for (const depended of entry.depends) {
      if (follow.test(depended)) await visit(depended);
      else rest.add(depended);
    }
  };
  await visit(name);
  return { packages: [...found.values()], rest: [...rest] };
}

async function plan(kernel) {
  const image = await closure(`linux-image-${kernel.version}`, /^linux-(image|binary|modules)-\d/);
  if (kernel.role === "other") return { ...kernel, image: image.packages, headerPackages: [], tools: [] };
  const headers = await closure(`linux-headers-${kernel.version}`, /^linux-(headers|kbuild|compiler)-/);
  const tools = headers.rest.filter((name) => !name.startsWith("linux-"));
  return { ...kernel, image: image.packages, headerPackages: headers.packages, tools };
}

/** The kernels to fetch, with the Debian packages (`tools`) that building modules for them takes. */
export async function planKernels() {
  return await retryWithNewLists(async () => {
    const plans = [];
    for (const kernel of await discover()) plans.push(await plan(kernel));
    return plans;
  });
}

const STAMP = "packages.json";
const stampOf = (packages) => JSON.stringify(packages.map(({ name, version }) => [name, version]).sort());

async function isUnpacked(directory, packages) {
  try {
    return (await readFile(join(directory, STAMP), "utf8")) === stampOf(packages);
  } catch {
    return false;
  }
}

/** Unpacks packages to `directory` whole or not at all: beside it first, then renamed. */
async function unpack(packages, directory, finish) {
  if (await isUnpacked(directory, packages)) return;
  progress(`fetching ${packages.map(({ name }) => name).join(", ")}`);
  await mkdir(join(directory, ".."), { recursive: true });
  const temporary = await mkdtemp(`${directory}.tmp-`);
  try {
    const debs = join(temporary, "debs");
    const root = join(temporary, "root");
    await mkdir(debs);
    await mkdir(root);
    await downloadPackages(packages, debs);
    for (const deb of await readdir(debs)) await runOrFail("dpkg-deb", ["-x", join(debs, deb), root]);
    await finish(root);
    await writeFile(join(root, STAMP), stampOf(packages));
    await rm(directory, { recursive: true, force: true });
    await rename(root, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function finishImage(root, version) {
  // Since the merger of /usr the modules are below usr/lib; depmod looks in lib.
  if (!existsSync(join(root, "lib"))) await symlink("usr/lib", join(root, "lib"));
  await runOrFail("depmod", ["-b", root, version]);
}

async function finishHeaders(root, version) {
  const makefile = join(root, "usr/src", `linux-headers-${version}`, "Makefile");
  const text = await readFile(makefile, "utf8");
  // The one absolute path in the packages; everything else is relative or a relative link.
  const here = "$(dir $(lastword $(MAKEFILE_LIST)))..";
  await writeFile(makefile, text.replace(/^include \/usr\/src\//m, `include ${here}/`));
}

async function fetchKernel(plan, cache) {
  const { version, series, role } = plan;
  const image = join(cache, version, "image");
  const headers = join(cache, version, "headers");
  await unpack(plan.image, image, (root) => finishImage(root, version));
  if (plan.headerPackages.length > 0) {
    await unpack(plan.headerPackages, headers, (root) => finishHeaders(root, version));
  }
  return {
    version,
    series,
    role,
    vmlinuz: join(image, "boot", `vmlinuz-${version}`),
    modules: join(image, "lib/modules", version),
    headers: plan.headerPackages.length > 0 ? join(headers, "usr/src", `linux-headers-${version}`) : null,
  };
}

/** Fetches what was planned: [{version, series, role, vmlinuz, modules, headers}], absolute paths. */
export async function fetchKernels(plans, cache) {
  const kernels = [];
  for (const plan of plans) kernels.push(await fetchKernel(plan, cache));
  return kernels;
}
