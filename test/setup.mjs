import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { proveFresh } from "./fresh/main.mjs";
import { ensureMachine, ensureProofMachine } from "./setup/machine.mjs";
import { ensureNodeModules } from "./setup/node_modules.mjs";
import { progress, run, runOrFail, SetupError } from "./setup/run.mjs";
import { runSuite } from "./setup/suite.mjs";

/*
 * node test/setup.mjs demo|test|proof:fresh|proof:runpre|bench:runpre [ARGUMENT...]
 *
 * The way in from package.json. It runs before node_modules exists, so it is plain JavaScript and imports only
 * node: and its own files. Progress goes to stderr, results to stdout. Exit code: 0, or 1 when anything failed.
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function demo(args) {
  await ensureNodeModules(root);
  await ensureMachine(root);
  progress("build");
  await runOrFail(process.execPath, [join(root, "packaging/build.mjs")], { cwd: root });
  progress("demo");
  const command = ["--import", "tsx", join(root, "test/demo/main.ts"), ...args];
  return await run(process.execPath, command, { cwd: root, stdout: "inherit" });
}

async function test(args) {
  await ensureNodeModules(root);
  return await runSuite(root, await ensureMachine(root), args);
}

/** Kernels for a program that runs from its source. */
async function runProgram(path, args) {
  await ensureNodeModules(root);
  await ensureProofMachine(root);
  progress(path);
  return await run(process.execPath, ["--import", "tsx", join(root, path), ...args], {
    cwd: root,
    stdout: "inherit",
  });
}

const commands = new Map([
  ["demo", demo],
  ["test", test],
  ["proof:fresh", (args) => proveFresh(root, args)],
  ["proof:runpre", (args) => runProgram("test/runpre/proof.ts", args)],
]);

async function main([name, ...args]) {
  const command = commands.get(name);
  if (command === undefined) {
    throw new SetupError(`no such command: ${name}`, `One of: ${[...commands.keys()].join(", ")}`);
  }
  return await command(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${error instanceof SetupError ? error.message : error.stack}\n`);
  if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
  process.exitCode = 1;
}
