/*
 * node tools/setup.mjs SCRIPT [ARGUMENT...]      scripts: tools/setup/scripts.mjs
 *
 * This file starts the scripts of package.json. Any Node of the last years can read it, so that it can say which
 * version is needed.
 */

import { readFileSync } from "node:fs";

const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const needed = engines.node.replace(">=", "");
const numbers = (version) => version.split(".").map(Number);
const [major, minor] = numbers(process.versions.node);
const [neededMajor, neededMinor] = numbers(needed);

if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  process.stderr.write(`error: this needs Node ${needed} or newer; this is ${process.version}\n`);
  process.stderr.write("hint: Install a newer Node from https://nodejs.org/en/download.\n");
  process.exitCode = 19;
} else {
  import("./setup/main.mjs").then(({ main }) => main(process.argv.slice(2)));
}
