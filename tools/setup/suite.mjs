import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensurePackages, retryWithNewLists } from "./apt.mjs";
import { PACKER_PACKAGES } from "./packers.mjs";
import { progress, run, SetupError } from "./run.mjs";

/** The browser that opens the edge's pages. */
const BROWSER = ["chromium"];
/** The server for a mirror's files, with the configuration blocks from the documents. */
const FILE_SERVER = ["nginx-light"];
/** The program that makes packages as Arch does. */
const ARCHIVER = ["libarchive-tools"];
/** The agent that holds keys. */
const AGENT = ["openssh-client"];

const REPORT = "test-results/vitest.json";

/** Counts results in vitest's JSON report. A file that could not be loaded has no tests and counts as one failure. */
export function countTests(report) {
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function readReport(path) {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new SetupError(`vitest left no report (${cause.message})`);
  }
}

async function stage(name, command, args, root, env) {
  progress(name);
  const code = await run(command, args, { cwd: root, env, stdout: "inherit" });
  if (code !== 0) throw new SetupError(`${name} failed (exit code ${code})`);
}

async function runVitest(root, env, extra) {
  const report = join(root, REPORT);
  await mkdir(dirname(report), { recursive: true });
  await rm(report, { force: true });
  progress("vitest");
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`, ...extra];
  const code = await run(process.execPath, [vitest, ...args], { cwd: root, env, stdout: "inherit" });
  const { passed, failed, skipped } = countTests(await readReport(report));
  if (skipped > 0) progress(`skipped: ${skipped}`);
  // A selection on the command line (`-t name`) skips all other tests, and users other than root skip the tests that
  // need root. Otherwise no test is skipped.
  const whole = extra.length === 0 && skipped > 0 && process.geteuid?.() === 0;
  process.stdout.write(`tests: ${passed} passed, ${failed} failed\n`);
  return code === 0 && passed > 0 && failed === 0 && !whole ? 0 : 1;
}

/**
 * Runs type check, lint, build and every test, in this order. The last line on stdout is `tests: N passed, N failed`.
 * Returns the exit code, which is 0 only if something passed, nothing failed, and (as root, without extra arguments)
 * nothing was skipped.
 */
export async function runSuite(root, machine, extra) {
  const images = machine.kernels.map((kernel) => kernel.vmlinuz).filter((path) => existsSync(path));
  const env = { ...process.env, REBOOTLESS_KERNEL_IMAGES: images.join(":") };
  await retryWithNewLists(() =>
    ensurePackages([...BROWSER, ...FILE_SERVER, ...ARCHIVER, ...AGENT, ...PACKER_PACKAGES]),
  );
  await stage("type check", "npm", ["run", "-s", "typecheck"], root, env);
  await stage("lint", "npm", ["run", "-s", "lint"], root, env);
  await stage("build", process.execPath, ["packaging/build.mjs"], root, env);
  return await runVitest(root, env, extra);
}
