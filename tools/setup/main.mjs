import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { proveFresh } from "../../test/proof/fresh/main.mjs";
import { provePackages } from "../../test/proof/package/main.mjs";
import { ensurePackages, requireDebian, retryWithNewLists } from "./apt.mjs";
import { ensureBuildable, ensureNewestPair, ensurePair, ensureSteps } from "./create.mjs";
import { ensureGuestPrograms, ensureMachine, ensureNewestMachine, ensureProofMachine } from "./machine.mjs";
import { ensureNodeModules } from "./node_modules.mjs";
import { ensurePackers } from "./packers.mjs";
import { isStopped, progress, run, runOrFail, SetupError } from "./run.mjs";
import { asksForHelp, helpText, SCRIPTS, UsageError } from "./scripts.mjs";
import { ensureSelftests } from "./selftests.mjs";
import { runSuite } from "./suite.mjs";
import { ensureTools } from "./tools.mjs";

/*
 * This file runs before node_modules exists, so it is plain JavaScript and imports only node: and its own files.
 * Progress goes to stderr, results to stdout. The exit code is 0, or 2 for arguments that a script does not take, or
 * 1 if anything failed.
 */

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Runs a program of the tests with bundles that are built from the current sources. */
async function runBuilt(file, args) {
  progress("build");
  await runOrFail(process.execPath, [join(root, "packaging/build.mjs")], { cwd: root });
  progress(file);
  const command = ["--import", "tsx", join(root, file), ...args];
  return await run(process.execPath, command, { cwd: root, stdout: "inherit" });
}

/** The step of the distribution's kernel that corrects a regression of the step before. */
const REGRESSION = { from: "6.1.192-1", to: "6.1.192-2" };

async function demo(args) {
  await ensureNodeModules(root);
  await requireDebian();
  await retryWithNewLists(ensureGuestPrograms);
  const pair = await ensurePair(root, REGRESSION.from, REGRESSION.to);
  return await runBuilt("tools/demo/main.ts", [pair, ...args]);
}

/** Runs the development edge until it is told to stop, which counts as success. It does not need Debian. */
async function dev(args) {
  await ensureNodeModules(root);
  try {
    return await runBuilt("tools/dev/main.ts", args);
  } catch (error) {
    if (isStopped()) return 0;
    throw error;
  }
}

async function proveSelftests(args) {
  await ensureNodeModules(root);
  await ensureMachine(root);
  return await runBuilt("test/proof/selftests/main.ts", [await ensureSelftests(root), ...args]);
}

async function proveGuest(args) {
  await ensureNodeModules(root);
  await ensureMachine(root);
  await ensurePackages(["e2fsprogs"]);
  return await runBuilt("test/proof/guest/main.ts", args);
}

async function test(args) {
  await ensureNodeModules(root);
  return await runSuite(root, await ensureNewestMachine(root), args);
}

/** Runs in full the proof of which `npm test` runs a small part. It needs only Node. */
async function proveEdge(args) {
  await ensureNodeModules(root);
  const files = ["crash", "clock", "rush", "hostile", "rotation"].map((name) => `test/edge/${name}.test.ts`);
  const command = [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--no-file-parallelism",
    ...files,
    ...args,
  ];
  const env = { ...process.env, REBOOTLESS_PROOF: "edge" };
  return await run(process.execPath, command, { cwd: root, env, stdout: "inherit" });
}

/**
 * Runs attacks. It needs Node and root, but no kernels: the hosts are simulated here, each with another build ID
 * mounted over the kernel's own.
 */
async function proveAttacks(args) {
  await ensureNodeModules(root);
  return await runBuilt("test/proof/attacks/main.ts", args);
}

async function proveTools() {
  await ensureNodeModules(root);
  await ensureMachine(root);
  return await runBuilt("test/proof/tools/main.ts", [await ensureTools(root)]);
}

async function proveRunpre(args) {
  await ensureNodeModules(root);
  await ensureProofMachine(root);
  return await runBuilt("test/proof/runpre/proof.ts", args);
}

async function proveSeries(args) {
  await ensureNodeModules(root);
  await ensureProofMachine(root);
  return await runBuilt("test/proof/series/main.ts", args);
}

/** The default step of the distribution's kernel for the proof. */
const STEP = { from: "6.1.190-1", to: "6.1.192-2" };

async function proveCreate(args) {
  const { values } = parseArgs({
    args,
    options: {
      from: { type: "string" },
      to: { type: "string" },
      limit: { type: "string" },
      series: { type: "string" },
      kinds: { type: "boolean" },
      roots: { type: "boolean" },
      only: { type: "string" },
    },
  });
  await ensureNodeModules(root);
  await ensureMachine(root);
  await ensurePackages(["e2fsprogs"]);
  const pairs = await createPairs(values);
  return await runBuilt("test/proof/create/proof.ts", [...args, ...pairs]);
}

/** The series that the small changes of the proof of `create` are tried on. */
const KIND_SERIES = ["6.1", "6.12"];

/** Returns the files that say where the kernels and sources of `npm run proof:create` are. */
async function createPairs({ from, to, series, kinds }) {
  if (from !== undefined || to !== undefined)
    return [await ensurePair(root, from ?? STEP.from, to ?? STEP.to)];
  if (series === undefined && !kinds) return [await ensurePair(root, STEP.from, STEP.to)];
  const pairs = [];
  for (const one of series === undefined ? KIND_SERIES : [series])
    pairs.push(await ensureNewestPair(root, one));
  return pairs;
}

/** Proves the whole way of fixes. The files of the steps, some GB, are fetched only if steps are asked for. */
async function proveSupply(args) {
  const { values } = parseArgs({
    args,
    options: {
      part: { type: "string", multiple: true, default: ["cve", "steps"] },
      series: { type: "string" },
      anew: { type: "boolean" },
    },
  });
  await ensureNodeModules(root);
  await ensureMachine(root);
  await ensurePackages(["e2fsprogs"]);
  const pairs = [];
  if (values.part.includes("steps")) {
    for (const series of values.series === undefined ? KIND_SERIES : [values.series])
      pairs.push(...(await ensureSteps(root, series)));
  }
  const corpus = [];
  if (values.part.includes("cve"))
    corpus.push(await ensurePair(root, STEP.from, STEP.to), await ensureNewestPair(root, "6.12"));
  const corpusArgs = corpus.flatMap((file) => ["--corpus", file]);
  return await runBuilt("test/proof/supply/main.ts", [...args, ...corpusArgs, ...pairs]);
}

async function benchRunpre(args) {
  await ensureNodeModules(root);
  await ensureNewestMachine(root);
  return await runBuilt("bench/runpre/main.ts", args);
}

/** Measures the edge. It needs no kernels. */
async function benchEdge(args) {
  await ensureNodeModules(root);
  await requireDebian();
  await retryWithNewLists(() => ensurePackages(["nginx-light", "wrk"]));
  return await runBuilt("bench/edge/main.ts", args);
}

async function benchMirror(args) {
  await ensureNodeModules(root);
  await ensurePackages(["rsync"]);
  return await runBuilt("bench/mirror/main.ts", args);
}

async function benchPoll(args) {
  await ensureNodeModules(root);
  await ensurePackages(["openssl"]);
  return await runBuilt("bench/poll/main.ts", args);
}

async function benchCreate([rounds = "3", kernels = "4"]) {
  for (const count of [rounds, kernels])
    if (!/^[1-9]\d?$/.test(count)) throw new UsageError(`not a number from 1 to 99: ${count}`);
  await ensureNodeModules(root);
  const releases = await ensureBuildable("6.1", Number(kernels));
  return await runBuilt("bench/create/main.ts", [releases.join(","), rounds]);
}

async function proveMirror(args) {
  await ensureNodeModules(root);
  await ensureMachine(root);
  await ensurePackages(["e2fsprogs", "strace"]);
  return await runBuilt("test/proof/mirror/main.ts", args);
}

/** Builds the bundles. It needs only Node. */
async function build() {
  await ensureNodeModules(root);
  return await run(process.execPath, [join(root, "packaging/build.mjs")], { cwd: root });
}

async function makePackages(formats) {
  const unknown = formats.find((format) => !["deb", "rpm", "tarball"].includes(format));
  if (unknown !== undefined) throw new UsageError(`no such format: ${unknown}`, "One of: deb, rpm, tarball");
  await ensureNodeModules(root);
  await ensurePackers(formats);
  return await runBuilt("packaging/package.ts", formats);
}

const benchAlone = (file) => async (args) => {
  await ensureNodeModules(root);
  return await runBuilt(file, args);
};

async function provePackaging() {
  await ensureNodeModules(root);
  return await provePackages(root);
}

const commands = {
  demo,
  dev,
  test,
  build,
  package: makePackages,
  "proof:attacks": proveAttacks,
  "proof:create": proveCreate,
  "proof:edge": proveEdge,
  "proof:fresh": () => proveFresh(root),
  "proof:guest": proveGuest,
  "proof:mirror": proveMirror,
  "proof:package": provePackaging,
  "proof:runpre": proveRunpre,
  "proof:selftests": proveSelftests,
  "proof:series": proveSeries,
  "proof:supply": proveSupply,
  "proof:tools": proveTools,
  "bench:edge": benchEdge,
  "bench:mirror": benchMirror,
  "bench:create": benchCreate,
  "bench:runpre": benchRunpre,
  "bench:publish": benchAlone("bench/publish/main.ts"),
  "bench:poll": benchPoll,
  "bench:heavy": benchAlone("bench/heavy/main.ts"),
};

export async function main([name, ...args]) {
  try {
    if (!asksForHelp(name, args)) process.exitCode = await commands[name](args);
    else process.stdout.write(`${helpText(Object.hasOwn(SCRIPTS, name ?? "") ? name : undefined)}\n`);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof SetupError ? error.message : error.stack}\n`);
    if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
    process.exitCode = error.exitCode ?? 1;
  }
}
