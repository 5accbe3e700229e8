import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { capture, progress, runOrFail, SetupError } from "./run.mjs";

/*
 * The kernels of Debian's other suites, which this machine's apt does not look at: apt is called with a configuration of
 * its own, whose lists lie in the cache. It asks the mirror that this machine uses, and trusts Debian's archive keys
 * alone. Nothing of it is ever installed here.
 */

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** How long lists are good for, in milliseconds. Backports change once a week. */
const LISTS_AGE = 24 * 3_600_000;

/** Returns the address of the Debian archive that this machine's apt uses. */
async function archive() {
  const format = "$(ORIGIN) $(LABEL) $(REPO_URI)";
  const targets = await capture("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const uri = /^Debian Debian (\S+)$/m.exec(targets)?.[1];
  if (uri !== undefined) return uri;
  throw new SetupError(
    "apt has no Debian archive among its sources",
    "Run on Debian, with the archive's lists read (as root: apt-get update).",
  );
}

const configuration = (folder) => `Dir::Etc::sourcelist "${folder}/suites.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "${folder}/lists";
Dir::State::status "/dev/null";
Dir::Cache "${folder}/cache";
Acquire::Languages "none";
APT::Architecture "amd64";
`;

/** Makes a configuration for some suites in a folder. Returns the environment in which apt goes by it. */
async function configure(folder, uri, suites, component) {
  for (const name of ["lists/partial", "cache/archives/partial"])
    await mkdir(join(folder, name), { recursive: true });
  const sources = {
    Types: "deb",
    URIs: uri,
    Suites: suites.join(" "),
    Components: component,
    "Signed-By": KEYRING,
  };
  const lines = Object.entries(sources).map(([name, value]) => `${name}: ${value}\n`);
  await writeFile(join(folder, "suites.sources"), lines.join(""));
  await writeFile(join(folder, "apt.conf"), configuration(folder));
  return { APT_CONFIG: join(folder, "apt.conf") };
}

const update = (apt) =>
  runOrFail("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "update"], {
    env: { ...process.env, ...apt },
  });

/**
 * Returns the names of today's suites. The smallest component is enough for that. Mirrors bring the folders of "stable"
 * and the like up to date later than those of the names.
 */
async function suiteNames(folder, uri) {
  const apt = await configure(folder, uri, ["stable", "testing", "unstable"], "non-free-firmware");
  await update(apt);
  const format = "$(SUITE) $(CODENAME)";
  const targets = await capture("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], apt);
  const names = Object.fromEntries(targets.split("\n").map((line) => line.split(" ")));
  const { stable, testing, unstable } = names;
  if (stable === undefined || testing === undefined || unstable === undefined)
    throw new SetupError(`${uri} has no suites named stable, testing and unstable`);
  return [stable, `${stable}-updates`, `${stable}-backports`, testing, unstable];
}

/**
 * Returns the environment in which apt knows the packages of the other suites. It reads their lists once a day.
 * @param cache the folder in which the configuration and the lists are kept.
 */
export async function suitesApt(cache) {
  const folder = join(cache, "suites");
  const apt = { APT_CONFIG: join(folder, "apt.conf") };
  const stamp = join(folder, "read");
  const read = await stat(stamp).catch(() => undefined);
  if (read !== undefined && Date.now() - read.mtimeMs < LISTS_AGE) return apt;
  const uri = await archive();
  const suites = await suiteNames(join(folder, "names"), uri);
  progress(`reading the package lists of ${suites.join(", ")}`);
  await update(await configure(folder, uri, suites, "main"));
  await writeFile(stamp, "");
  return apt;
}

/**
 * Returns what a root of Debian's stable release is made from: {uri, codename, keyring}.
 * @param apt the environment that {@link suitesApt} returns.
 */
export async function stableRelease(apt) {
  const format = "$(SUITE) $(CODENAME) $(REPO_URI)";
  const targets = await capture("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], apt);
  const [, codename, uri] = /^stable (\S+) (\S+)$/m.exec(targets) ?? [];
  if (codename === undefined) throw new SetupError("apt's lists have no release that is stable");
  return { uri, codename, keyring: KEYRING };
}
