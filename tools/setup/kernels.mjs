import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadPackages, OWN_APT, offeredPackages, searchNames, showPackages } from "./apt.mjs";
import { progress, runOrFail, SetupError, succeeds } from "./run.mjs";

/*
 * The kernels for the tests are chosen from the distribution each time: the newest of its newest series ("primary"),
 * the newest of the series before ("secondary"), and one more of the first series ("other"), of which only the image
 * file is read. The proof of run-pre matching needs one more of the second series ("further"). Images and headers are
 * unpacked into the cache and never installed, because newer header packages depend on the image, and a test must not
 * put a kernel into /boot.
 */

const FLAVOUR = "cloud-amd64";

/**
 * Lists the versions for which the names contain `linux-KIND-VERSION`. A version has three numbers:
 * "6.12-cloud-amd64" is a meta-package.
 */
function versionsOf(kind, names, flavour = FLAVOUR) {
  const exact = new RegExp(`^linux-${kind}-(\\d+\\.\\d+\\.\\d+[^-\\s]*-(?:\\d+-)?${flavour})$`);
  return names.flatMap((name) => exact.exec(name)?.[1] ?? []);
}

export const seriesOf = (version) => version.split(".", 2).join(".");

/** Sorts versions by Debian's own version comparison, newest first. */
export async function newestFirst(versions) {
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

/** Assigns roles to versions that are sorted newest first: [{version, series, role}]. Not all of them are always needed. */
export function chooseKernels(versions) {
  const primary = versions[0];
  if (primary === undefined) return [];
  const series = seriesOf(primary);
  const secondary = versions.find((version) => seriesOf(version) !== series) ?? versions[1];
  const other = versions.find(
    (version) => seriesOf(version) === series && version !== primary && version !== secondary,
  );
  const further = versions.find(
    (version) =>
      seriesOf(version) !== series && version !== secondary && seriesOf(version) === seriesOf(secondary),
  );
  const roles = Object.entries({ primary, secondary, other, further });
  return roles.flatMap(([role, version]) =>
    version === undefined ? [] : [{ version, series: seriesOf(version), role }],
  );
}

async function discover(roles) {
  const names = await searchNames(`^linux-(image|headers)-[0-9].*-${FLAVOUR}$`);
  const headers = new Set(versionsOf("headers", names));
  const versions = versionsOf("image", names).filter((version) => headers.has(version));
  const chosen = chooseKernels(await newestFirst(versions)).filter(({ role }) => roles.includes(role));
  if (chosen.length < 2) {
    throw new SetupError(
      `apt offers ${versions.length} ${FLAVOUR} kernels with headers; two are needed`,
      "Run as root: apt-get update (and see that the Debian archive for amd64 is among apt's sources)",
    );
  }
  return chosen;
}

const UNPACKED = /^linux-(image|binary|modules|headers|kbuild|compiler)-\d|^linux-compiler-/;

/**
 * Finds all packages that `names` need and that are unpacked here. Returns a map from names to {name, version,
 * depends}.
 */
async function describe(names, apt = OWN_APT) {
  const known = new Map();
  let wanted = names;
  while (wanted.length > 0) {
    for (const entry of await showPackages(wanted, apt)) known.set(entry.name, entry);
    const next = [...known.values()].flatMap((entry) => entry.depends).filter((name) => UNPACKED.test(name));
    wanted = [...new Set(next)].filter((name) => !known.has(name));
  }
  return known;
}

/**
 * Returns a package and those it depends on whose names match `follow`; `rest` are the names of all its other
 * dependencies.
 */
function closure(known, name, follow) {
  const found = new Map();
  const rest = new Set();
  const visit = (entry) => {
    found.set(entry.name, entry);
    for (const depended of entry.depends) {
      const next = follow.test(depended) ? known.get(depended) : undefined;
      if (next === undefined) rest.add(depended);
      else if (!found.has(depended)) visit(next);
    }
  };
  visit(known.get(name));
  return { packages: [...found.values()], rest: [...rest] };
}

/** Tells whether a kernel needs headers. Modules are built for two kernels only. */
const hasHeaders = ({ role }) => role === "primary" || role === "secondary";
const imageName = (kernel) => `linux-image-${kernel.version}`;
const headersName = (kernel) => `linux-headers-${kernel.version}`;

function planKernel(kernel, known, withHeaders = hasHeaders(kernel)) {
  const image = closure(known, imageName(kernel), /^linux-(image|binary|modules)-/);
  if (!withHeaders) return { ...kernel, image: image.packages, headerPackages: [], tools: [] };
  const headers = headersOf(kernel, known);
  const tools = headers.rest.filter((name) => !name.startsWith("linux-"));
  return { ...kernel, image: image.packages, headerPackages: headers.packages, tools };
}

const headersOf = (kernel, known) => closure(known, headersName(kernel), /^linux-(headers|kbuild|compiler)-/);

/** Returns the kernels to fetch, and the Debian packages (`tools`) that are needed to build modules for them. */
export async function planKernels(roles) {
  const kernels = await discover(roles);
  const withHeaders = kernels.filter(hasHeaders);
  const known = await describe([...kernels.map(imageName), ...withHeaders.map(headersName)]);
  return kernels.map((kernel) => planKernel(kernel, known));
}

/** Plans one kernel by its exact version ("6.1.0-55-cloud-amd64"), with its headers. It need not be among the newest. */
export async function planExact(version) {
  const kernel = { version, series: seriesOf(version), role: "further" };
  const known = await describe([imageName(kernel), headersName(kernel)]);
  return planKernel(kernel, known, true);
}

/**
 * Plans the same from the packages of Debian's other suites. The compiler that the headers ask for cannot be installed
 * here: `create` makes a root for it.
 */
export async function planExactElsewhere(version, apt) {
  const kernel = { version, series: seriesOf(version), role: "series" };
  const [plan] = await planElsewhere(apt, [kernel]);
  const known = await describe([headersName(kernel)], apt);
  return { ...plan, headerPackages: headersOf(kernel, known).packages };
}

/** The flavours of Debian's kernels for amd64. */
const FLAVOURS = ["cloud-amd64", "amd64", "rt-amd64"];

/**
 * Lists the kernels that apt offers elsewhere, as {version, series, role}: of each flavour the newest one of each series
 * that `known` does not have, of the flavours other than the tests' own only that of the newest series. The first is the
 * newest of all (`newest`).
 */
export async function seriesElsewhere(apt, known) {
  const names = await searchNames("^linux-image-[0-9].*amd64$", apt);
  const kernels = [];
  for (const flavour of FLAVOURS) {
    const groups = bySeries(versionsOf("image", names, flavour)).filter(
      ([series]) => !known.includes(series),
    );
    for (const [series, versions] of flavour === FLAVOUR ? groups : groups.slice(0, 1)) {
      const [version] = await newestFirst(versions);
      kernels.push({ version, series, role: kernels.length === 0 ? "newest" : "series" });
    }
  }
  return kernels;
}

/** Plans kernels that apt offers elsewhere. Some series have lost the package of their modules; they are booted without. */
export async function planElsewhere(apt, kernels) {
  if (kernels.length === 0) return [];
  const images = await showPackages(kernels.map(imageName), apt);
  const parts = await offeredPackages(images.flatMap(partsOf), apt);
  return kernels.map((kernel) => {
    const image = images.find(({ name }) => name === imageName(kernel));
    const others = parts.filter(({ name }) => partsOf(image).includes(name));
    return { ...kernel, image: [image, ...others], headerPackages: [], tools: [], apt };
  });
}

/** Returns the names of the packages that have what a package of an image only depends on. */
const partsOf = ({ depends }) => depends.filter((name) => /^linux-(base|binary|modules)-\d/.test(name));

/** Groups versions by their series: [[series, versions], …], the newest series first. */
function bySeries(versions) {
  const groups = new Map();
  for (const version of versions)
    groups.set(seriesOf(version), [...(groups.get(seriesOf(version)) ?? []), version]);
  return [...groups].sort(([a], [b]) => b.localeCompare(a, "en", { numeric: true }));
}

/** Lists the kernels of a series as {version, package}. `package` is the version of the package, and also of its source. */
export async function kernelsOfSeries(series, apt = OWN_APT) {
  const names = await searchNames(
    `^linux-(image|headers)-${series.replaceAll(".", "[.]")}[.].*-${FLAVOUR}$`,
    apt,
  );
  const headers = new Set(versionsOf("headers", names));
  const versions = versionsOf("image", names).filter((version) => headers.has(version));
  if (versions.length === 0) return [];
  const packages = await showPackages(
    versions.map((version) => imageName({ version })),
    apt,
  );
  return packages.map(({ name, version }) => ({
    version: name.replace("linux-image-", ""),
    package: version,
  }));
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

/** Unpacks packages to `directory` whole or not at all: first beside it, then the result is renamed. */
async function unpack(packages, directory, finish, apt = OWN_APT) {
  if (await isUnpacked(directory, packages)) return;
  progress(`fetching ${packages.map(({ name }) => name).join(", ")}`);
  await mkdir(join(directory, ".."), { recursive: true });
  const temporary = await mkdtemp(`${directory}.tmp-`);
  try {
    const debs = join(temporary, "debs");
    const root = join(temporary, "root");
    await mkdir(debs);
    await mkdir(root);
    await downloadPackages(packages, debs, apt);
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
  // Since the merger of /usr, the modules are below usr/lib, but depmod looks in lib.
  await mkdir(join(root, "usr/lib/modules", version), { recursive: true });
  if (!existsSync(join(root, "lib"))) await symlink("usr/lib", join(root, "lib"));
  await mkdir(join(root, "lib/modules", version), { recursive: true });
  await runOrFail("depmod", ["-b", root, version]);
}

/** Returns the file of the kernel itself. Since 7.2 it lies beside the modules. */
function vmlinuzOf(image, version) {
  const beside = join(image, "lib/modules", version, "vmlinuz");
  return existsSync(beside) ? beside : join(image, "boot", `vmlinuz-${version}`);
}

async function finishHeaders(root, version) {
  const makefile = join(root, "usr/src", `linux-headers-${version}`, "Makefile");
  const text = await readFile(makefile, "utf8");
  // This is the only absolute path in the packages; all others are relative.
  const here = "$(dir $(lastword $(MAKEFILE_LIST)))..";
  await writeFile(makefile, text.replace(/^include \/usr\/src\//m, `include ${here}/`));
}

async function fetchKernel(plan, cache) {
  const { version, series, role } = plan;
  const image = join(cache, version, "image");
  const headers = join(cache, version, "headers");
  await unpack(plan.image, image, (root) => finishImage(root, version), plan.apt);
  if (plan.headerPackages.length > 0) {
    await unpack(plan.headerPackages, headers, (root) => finishHeaders(root, version), plan.apt);
  }
  return {
    version,
    series,
    role,
    vmlinuz: vmlinuzOf(image, version),
    modules: join(image, "lib/modules", version),
    has_modules: existsSync(join(image, "lib/modules", version, "kernel")),
    headers: plan.headerPackages.length > 0 ? join(headers, "usr/src", `linux-headers-${version}`) : null,
  };
}

/** Fetches what was planned. Returns [{version, series, role, vmlinuz, modules, headers}] with absolute paths. */
export async function fetchKernels(plans, cache) {
  const kernels = [];
  for (const plan of plans) kernels.push(await fetchKernel(plan, cache));
  return kernels;
}
