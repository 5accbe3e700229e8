import "./start/this_node.ts";
import { readFileSync } from "node:fs";
import { wrap } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";
import { codeCache } from "./start/code_cache.ts";

/*
 * What a host starts: it runs the host's command, rebootless-host.cjs, as code that V8 compiled in an earlier run where
 * there is some. A poll that brings nothing takes an eighth less processor time for it.
 */

declare const require: NodeJS.Require;
declare const module: NodeJS.Module;
declare const __dirname: string;

const file = join(__dirname, "rebootless-host.cjs");
const text = readFileSync(file);
const cache = codeCache(text);
const cachedData = cache.read();
// The build writes ASCII.
const script = new Script(wrap(text.toString("latin1")), {
  filename: file,
  ...(cachedData && { cachedData }),
});

// What runs every hour decides what is worth keeping.
const isRecurring = process.argv.some((word) => word === "check" || word === "upgrade");
if (isRecurring && process.geteuid?.() === 0 && (!cachedData || script.cachedDataRejected)) {
  process.on("exit", (code) => {
    if (code === 0) cache.write(script.createCachedData());
  });
}
script.runInThisContext()(module.exports, require, module, file, __dirname);
