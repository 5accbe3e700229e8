import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { buildModule } from "../../support/guest/modules/build.ts";
import { READERS, TARGETS } from "./targets.ts";

const execFileAsync = promisify(execFile);
const child = join(dirname(fileURLToPath(import.meta.url)), "child.ts");

/** More finds more: REBOOTLESS_FUZZ_FACTOR=100 REBOOTLESS_FUZZ_SEED=7 npm test -- test/proof/fuzz. */
const FACTOR = Number(process.env["REBOOTLESS_FUZZ_FACTOR"] ?? 1);
const SEED = process.env["REBOOTLESS_FUZZ_SEED"] ?? "1";
const TIMEOUT_MS = 120_000 + 60_000 * FACTOR;
/** Of JavaScript's heap; whole kernels fit. */
const HEAP_MB = 256;
/** Beside what the unchanged input took: for garbage that was not collected yet, and for what grows with the input. */
const SLACK_MB = 64;
const MULTIPLE = 4;
/** A kernel is read in 1 s; machines that are busy are slower. */
const LONGEST_MS = 30_000;

interface Result {
  readonly runs: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly inputMb: number;
  readonly calmMb: number;
  readonly peakMb: number;
}

async function fuzz(target: string): Promise<Result> {
  const kernel = findKernel("secondary");
  const module = await buildModule(kernel, "rebootless_demo_cmdline");
  const limits = ["--expose-gc", `--max-old-space-size=${HEAP_MB}`, "--import", "tsx"];
  const args = [...limits, child, target, kernel.vmlinuz, module, SEED, String(FACTOR)];
  const timeout = TIMEOUT_MS;
  const { stdout } = await execFileAsync(process.execPath, args, { timeout, killSignal: "SIGKILL" });
  return JSON.parse(stdout) as Result;
}

describe("hostile input", () => {
  const timeout = TIMEOUT_MS + 60_000;
  it.each(Object.keys(TARGETS))(
    "made of a real %s is read or refused, in bounds",
    { timeout },
    async (target) => {
      const { runs, refused, slowestMs, inputMb, calmMb, peakMb } = await fuzz(target);
      expect(runs).toBeGreaterThan(0);
      expect(refused).toBeGreaterThan(0);
      expect(slowestMs).toBeLessThan(LONGEST_MS);
      expect(peakMb - calmMb).toBeLessThan(SLACK_MB + MULTIPLE * inputMb);
    },
  );

  it.each(READERS)("of arbitrary bytes is read as %s or refused", (_, read) => {
    const starts = [Uint8Array.of(), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1), utf8("RBLFPRT\n")].map(
      (magic) => fc.uint8Array({ maxLength: 2048 }).map((bytes) => concatBytes([magic, bytes])),
    );
    fc.assert(
      fc.property(fc.oneof(...starts), (bytes) => {
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
