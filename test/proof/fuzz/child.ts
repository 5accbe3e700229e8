import { readFileSync } from "node:fs";
import fc from "fast-check";
import { RebootlessError } from "../../../shared/errors.ts";
import { mutated, mutations } from "./mutation.ts";
import { TARGETS } from "./targets.ts";

/*
 * node --expose-gc --import tsx test/proof/fuzz/child.ts TARGET VMLINUZ MODULE SEED FACTOR
 *
 * Reads a real input, then FACTOR times its number of changed ones, and prints {runs, refused, slowestMs, inputMb,
 * calmMb, peakMb}: the most megabytes of this process for the unchanged input, and for all. A process of its own, as
 * its memory is measured; what is neither a value nor an error of ours ends it with fast-check's report.
 */

const [, , name = "", vmlinuz = "", module = "", seed = "1", factor = "1"] = process.argv;
const make = TARGETS[name];
if (make === undefined) throw new Error(`no target ${name}`);
const { input, regions, runs, read } = make(vmlinuz, module);

/** The most memory that this process had at once, in megabytes. */
const peakMb = (): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;

read(input);
globalThis.gc?.();
const result = {
  runs: 0,
  refused: 0,
  slowestMs: 0,
  inputMb: input.length / 2 ** 20,
  calmMb: peakMb(),
  peakMb: 0,
};
fc.assert(
  fc.property(mutations, (mutation) => {
    const start = performance.now();
    result.runs += 1;
    try {
      mutated(input, regions, mutation, read);
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      result.refused += 1;
    }
    result.slowestMs = Math.max(result.slowestMs, performance.now() - start);
    globalThis.gc?.();
  }),
  { seed: Number(seed), numRuns: runs * Number(factor) },
);
process.stdout.write(JSON.stringify({ ...result, peakMb: peakMb() }));
