import { join } from "node:path";
import { ensurePackages, requireDebian } from "../../../tools/setup/apt.mjs";
import { capture, progress, run, runOrFail, SetupError } from "../../../tools/setup/run.mjs";
import { insideArguments } from "./inside.mjs";
import { makeRoot, removeRoot } from "./root.mjs";

/*
 * The proof that the README is true: its two commands on a machine that has nothing but Debian and Node 20.
 */

const PROJECT = "/root/rebootless";

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
    result[name] =
      (await run("unshare", insideArguments(root, PROJECT, command), { killSignal: "SIGKILL" })) === 0
        ? "ok"
        : "failed";
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
