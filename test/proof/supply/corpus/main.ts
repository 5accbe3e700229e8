import { parseArgs } from "node:util";
import { proveCorpus } from "./prove_corpus.ts";

/*
 * The corpus alone: tsx test/proof/supply/corpus/main.ts --folder FOLDER [--fixes N] PAIR... The last line on stdout is JSON.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { folder: { type: "string" }, fixes: { type: "string", default: "64" } },
});
if (values.folder === undefined || positionals.length === 0)
  throw new Error("--folder and a pair are needed");
const began = performance.now();
const figures = await proveCorpus(positionals, values.folder, Number(values.fixes), {
  say: (line) => void process.stdout.write(`${line}\n`),
  progress: (line) =>
    void process.stderr.write(`[${Math.round((performance.now() - began) / 1000)} s] ${line}\n`),
});
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exitCode = figures.wrong === 0 && figures.fixes >= Number(values.fixes) ? 0 : 1;
