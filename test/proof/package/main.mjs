import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensurePackages, requireDebian } from "../../../tools/setup/apt.mjs";
import { ensureMachine } from "../../../tools/setup/machine.mjs";
import { PACKER_PACKAGES } from "../../../tools/setup/packers.mjs";
import { progress, runOrFail, SetupError } from "../../../tools/setup/run.mjs";
import { makeRoot, removeRoot } from "../fresh/root.mjs";
import { proveBooted } from "./booted/booted.mjs";
import { nodePackage } from "./node_package.mjs";
import { scenarios } from "./scenarios.mjs";
import { shellInside } from "./shell.mjs";

/*
 * The proof that the packages do what packages have to: made twice, they are the same; a Debian root of its own, made
 * by debootstrap, installs, removes and purges the .deb, the .rpm and the tarball, and its own tools judge their contents.
 */

/** What judges the packages. systemd is there for systemd-analyze; nothing of it runs. */
const TOOLS = [
  "busybox",
  "fish",
  "groff-base",
  "init-system-helpers",
  "kmod",
  "man-db",
  "mandoc",
  "rpm",
  "systemd",
  "zsh",
];
const FOLDER = "/root/packages";

async function makePackages(project) {
  await runOrFail(process.execPath, [join(project, "packaging/build.mjs")], { cwd: project });
  await runOrFail(process.execPath, ["--import", "tsx", join(project, "packaging/package.ts")], {
    cwd: project,
  });
  const dist = join(project, "dist");
  const names = (await readdir(dist))
    .filter((name) => /^rebootless[-_]\d.*\.(deb|rpm|tar\.gz)$/.test(name))
    .sort();
  const digests = names.map(async (name) => [
    name,
    createHash("sha256")
      .update(await readFile(join(dist, name)))
      .digest("hex"),
  ]);
  return Object.fromEntries(await Promise.all(digests));
}

async function makeTwice(project) {
  for (const name of await readdir(join(project, "dist")).catch(() => [])) {
    if (/\.(deb|rpm|tar\.gz)$/.test(name)) await rm(join(project, "dist", name));
  }
  const first = await makePackages(project);
  const second = await makePackages(project);
  if (Object.keys(first).length !== 3)
    throw new SetupError(`not three packages: ${Object.keys(first).join(", ")}`);
  if (JSON.stringify(first) !== JSON.stringify(second))
    throw new SetupError("the same sources made other packages");
  return Object.keys(first);
}

async function prepareRoot(project, root, packages) {
  await mkdir(join(root, FOLDER));
  for (const name of packages) await copyFile(join(project, "dist", name), join(root, FOLDER, name));
  await nodePackage(root, join(root, FOLDER, "nodejs.deb"));
  const shell = shellInside(root, FOLDER);
  // Man pages are what minimal roots leave out.
  await shell("rm -f /etc/dpkg/dpkg.cfg.d/*; apt-get -qq update");
  await shell(
    `DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends ${TOOLS.join(" ")}`,
  );
  return shell;
}

async function runScenarios(shell, named) {
  const counts = { scenarios: 0, passed: 0, failed: 0 };
  for (const [name, scenario] of Object.entries(named)) {
    counts.scenarios += 1;
    try {
      await scenario(shell);
      counts.passed += 1;
      progress(`ok: ${name}`);
    } catch (error) {
      counts.failed += 1;
      progress(`FAILED: ${name}: ${error.message}`);
    }
  }
  return counts;
}

/** Root only. The last line on stdout is {"scenarios","passed","failed"}. Returns the exit code. */
export async function provePackages(project) {
  await requireDebian();
  if (process.getuid?.() !== 0) {
    throw new SetupError("a fresh root can only be set up by root", "Run as root: npm run proof:package");
  }
  await ensurePackages(["cpio", "debootstrap", ...PACKER_PACKAGES]);
  const machine = await ensureMachine(project);
  progress("making the packages, twice");
  const packages = await makeTwice(project);
  const root = await makeRoot(join(project, ".cache"));
  let counts;
  try {
    const shell = await prepareRoot(project, root, packages);
    const deb = packages.find((name) => name.endsWith(".deb"));
    counts = await runScenarios(shell, {
      ...scenarios(packages),
      // Last: the root is a machine of its own then.
      "systemd: the units, booted": () => proveBooted(project, machine, root, shell, deb),
    });
  } finally {
    await removeRoot(root);
  }
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  return counts.failed === 0 ? 0 : 1;
}
