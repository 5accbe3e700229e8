import { chmod, copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensurePackages, requireDebian } from "../setup/apt.mjs";
import { capture, progress, run, runOrFail, SetupError } from "../setup/run.mjs";
import { makeRoot, ROOT_CERTIFICATES, removeRoot } from "./root.mjs";

/*
 * The proof that the README is true: its two commands on a machine that has nothing but Debian and Node 20.
 */

const PROJECT = "/root/rebootless";
const ENTER = "/root/enter.sh";

/** Variables that say how to reach the network; nothing else of this machine's environment goes in. */
const PASSED = /^((https?|no|all)_proxy|npm_config_registry|CI)$/i;

function environment() {
  const passed = Object.entries(process.env).filter(([name]) => PASSED.test(name));
  return Object.entries({
    CI: "true",
    ...Object.fromEntries(passed),
    HOME: "/root",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    NODE_EXTRA_CA_CERTS: ROOT_CERTIFICATES,
    SSL_CERT_FILE: ROOT_CERTIFICATES,
  }).map(([name, value]) => `${name}=${value}`);
}

/** Runs a command in the root, in namespaces that end with it: no mount and no process stays behind. */
async function runInside(root, command) {
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const entered = ["env", "-i", ...environment(), "sh", ENTER, ...command];
  const args = [...namespaces, `--root=${root}`, `--wd=${PROJECT}`, "--", ...entered];
  // unshare itself shrugs off gentler signals; its child is killed with it.
  return await run("unshare", args, { killSignal: "SIGKILL" });
}

/** Packages that somebody asked for, as against those that others needed. */
async function askedFor(root) {
  return (await capture("chroot", [root, "apt-mark", "showmanual"]))
    .split("\n")
    .filter((name) => name !== "");
}

async function cloneProject(project, root) {
  const changes = await capture("git", ["-C", project, "status", "--porcelain"]);
  if (changes !== "") progress("note: what is not committed is no part of this proof");
  await runOrFail("git", ["clone", "--quiet", "--no-hardlinks", project, join(root, PROJECT)]);
  await copyFile(join(dirname(fileURLToPath(import.meta.url)), "enter.sh"), join(root, ENTER));
  await chmod(join(root, ENTER), 0o755);
}

async function prove(project, root) {
  const startedAt = performance.now();
  const result = { demo: "not run", test: "not run", seconds: 0, packages: [] };
  await cloneProject(project, root);
  const before = new Set(await askedFor(root));
  for (const [name, command] of [
    ["demo", ["npm", "run", "demo"]],
    ["test", ["npm", "test"]],
  ]) {
    progress(`in the fresh root: ${command.join(" ")}`);
    result[name] = (await runInside(root, command)) === 0 ? "ok" : "failed";
    if (result[name] === "failed") break;
  }
  result.packages = (await askedFor(root)).filter((name) => !before.has(name));
  result.seconds = Math.round((performance.now() - startedAt) / 1000);
  return result;
}

/**
 * Runs the demo and the tests of the project's last commit in a fresh Debian root. Root only. The last line on stdout
 * is {"demo","test","seconds","packages"}: "ok", "failed" or "not run"; the commands' time; the Debian packages that
 * they installed by name. Returns the exit code.
 */
export async function proveFresh(project) {
  await requireDebian();
  if (process.getuid?.() !== 0) {
    throw new SetupError("a fresh root can only be set up by root", "Run as root: npm run proof:fresh");
  }
  await ensurePackages(["debootstrap", "git"]);
  const root = await makeRoot(join(project, ".cache"));
  let result;
  try {
    result = await prove(project, root);
  } finally {
    progress("removing the fresh root");
    await removeRoot(root);
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.demo === "ok" && result.test === "ok" ? 0 : 1;
}
