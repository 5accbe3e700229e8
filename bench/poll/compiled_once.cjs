// Runs the program named first as code that V8 compiled in an earlier run, as client/start does for the host's command.
const { readFileSync, writeFileSync } = require("node:fs");
const { wrap } = require("node:module");
const { Script } = require("node:vm");

const [file] = process.argv.splice(2, 1);
const code = `${file}.code`;
const read = () => {
  try {
    return readFileSync(code);
  } catch {
    return undefined;
  }
};
const script = new Script(wrap(readFileSync(file, "latin1")), { filename: file, cachedData: read() });
if (script.cachedDataRejected !== false) {
  process.on("exit", () => writeFileSync(code, script.createCachedData()));
}
script.runInThisContext()(module.exports, require, module, file, __dirname);
