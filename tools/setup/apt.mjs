import { readdir, stat } from "node:fs/promises";
import { capture, progress, runOrFail, SetupError, succeeds } from "./run.mjs";

const LISTS = "/var/lib/apt/lists";

/**
 * The environment of this machine's own apt. suites.mjs has another one, in which apt knows the packages of Debian's
 * other suites; the functions that only look and download take either.
 */
export const OWN_APT = {};

const isRoot = () => process.getuid?.() === 0;
const aptEnv = (apt = OWN_APT) => ({
  ...process.env,
  DEBIAN_FRONTEND: "noninteractive",
  LC_ALL: "C.UTF-8",
  ...apt,
});

export async function requireDebian() {
  if (await succeeds("apt-get", ["--version"])) return;
  throw new SetupError(
    "this machine has no apt-get",
    "Run on Debian (a container or a virtual machine will do): the tests boot Debian's own kernels.",
  );
}

/** Reads the package lists again. Without root it cannot, and says so. */
export async function updateLists() {
  if (!isRoot()) {
    throw new SetupError("apt's package lists are missing or too old", "Run as root: apt-get update");
  }
  progress("reading the package lists (apt-get update)");
  await runOrFail("apt-get", ["-qq", "update"], { env: aptEnv() });
}

/**
 * Reads the package lists if a configured source has none yet, as in a new installation. It goes on if a source
 * fails, because the others may have what is needed.
 */
export async function completeLists() {
  if (!isRoot()) return;
  // 'http://mirror/debian/dists/SUITE/InRelease' mirror_debian_dists_SUITE_InRelease 0
  const uris = await capture("apt-get", ["update", "--print-uris"]);
  const wanted = [...uris.matchAll(/^'\S+' (\S+)_InRelease /gm)].map(([, prefix]) => prefix);
  const present = new Set(await readdir(LISTS).catch(() => []));
  const isPresent = (prefix) => present.has(`${prefix}_InRelease`) || present.has(`${prefix}_Release`);
  if (wanted.every(isPresent)) return;
  await updateLists().catch((error) => progress(error.message));
}

async function isInstalled(name) {
  const status = await capture("dpkg-query", ["--status", name]);
  return status.includes("\nStatus: install ok installed\n");
}

export async function missingPackages(names) {
  const missing = [];
  for (const name of new Set(names)) if (!(await isInstalled(name))) missing.push(name);
  return missing;
}

/** Installs those of `names` that are missing, without the packages that they merely recommend. */
export async function ensurePackages(names) {
  const missing = await missingPackages(names);
  if (missing.length === 0) return;
  const args = ["install", "-y", "--no-install-recommends", ...missing];
  if (!isRoot()) {
    throw new SetupError(
      `Debian packages are missing: ${missing.join(", ")}`,
      `Run as root: apt-get update && apt-get ${args.join(" ")}`,
    );
  }
  progress(`installing ${missing.join(", ")}`);
  await runOrFail("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], { env: aptEnv() });
}

/**
 * Runs `action`. If it fails, reads the lists again and runs it once more, because old lists name files that mirrors
 * no longer have.
 */
export async function retryWithNewLists(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof SetupError) || !isRoot()) throw error;
    progress(error.message);
    await updateLists();
    return await action();
  }
}

/** Returns the names of available packages that match a POSIX regular expression. */
export async function searchNames(pattern, apt = OWN_APT) {
  const text = await capture("apt-cache", ["search", "--names-only", pattern], apt);
  return text
    .split("\n")
    .map((line) => line.split(" ", 1)[0])
    .filter((name) => name !== "");
}

const field = (stanza, key) => new RegExp(`^${key}: (.*)$`, "m").exec(stanza)?.[1];

function parseStanza(stanza) {
  const depends = (field(stanza, "Depends") ?? "")
    .split(",")
    .map((entry) => entry.trim().split(/[\s:(|]/, 1)[0]);
  return {
    name: field(stanza, "Package"),
    version: field(stanza, "Version"),
    depends: depends.filter((entry) => entry !== ""),
  };
}

/**
 * Returns [{name, version, depends}] of the named packages: the version that apt would fetch, and the names of the
 * packages that it depends on (the first of each set of alternatives). One call serves many names, because each call
 * of apt-cache takes half a second.
 */
export async function showPackages(names, apt = OWN_APT) {
  const packages = await offeredPackages(names, apt);
  const unknown = names.filter((name) => !packages.some((entry) => entry.name === name));
  if (unknown.length === 0) return packages;
  throw new SetupError(`apt knows no package ${unknown.join(", ")}`, "Run as root: apt-get update");
}

/** Returns the same of those of the named packages that apt offers. */
export async function offeredPackages(names, apt = OWN_APT) {
  const text = await capture("apt-cache", ["show", "--no-all-versions", ...names], apt);
  const found = text.split(/\n\n+/).filter((stanza) => stanza.trim() !== "");
  return found.map(parseStanza);
}

/** Downloads packages ({name, version}) as .deb files into `directory`, without installing them. */
export async function downloadPackages(packages, directory, apt = OWN_APT) {
  const names = packages.map(({ name, version }) => `${name}=${version}`);
  // The sandbox user may not be allowed to write to this folder, and apt then warns about it.
  const options = isRoot() ? ["-o", "APT::Sandbox::User=root"] : [];
  await runOrFail("apt-get", ["-qq", ...options, "download", ...names], {
    cwd: directory,
    env: aptEnv(apt),
  });
}

/** Returns a stamp that changes when apt's package lists do. */
export async function listsStamp() {
  try {
    return (await stat(LISTS)).mtimeMs;
  } catch {
    return 0;
  }
}
