import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { bootGuest } from "../guest/guest.ts";
import { findKernel, type KernelRole } from "../guest/machine.ts";
import { type Capture, captureText } from "./capture.ts";
import { flipBits, seeded } from "./flips.ts";
import { causeOf, checkerOf, fingerprintKernel, mismatches } from "./whole_kernel.ts";

// A part of `node --import tsx test/runpre/proof.ts`, which boots every kernel in every configuration.
const FLIPS = 300;
const SETTLE_MS = 2_000;

const CASES: readonly (readonly [role: KernelRole, cpu: string, smp: number, append: string])[] = [
  // One processor: an emulated second one at times stumbles over code that call depth tracking has rewritten.
  ["primary", "Skylake-Server", 1, "retbleed=stuff"],
  ["secondary", "EPYC", 2, ""],
];

describe("every function of a booted kernel", () => {
  it.each(CASES)("%s on %s with %i processors, %s", { timeout: 300_000 }, async (role, cpu, smp, append) => {
    const kernel = findKernel(role);
    const whole = fingerprintKernel(kernel);
    const guest = await bootGuest({ kernel, cpu, smp, append });
    let capture: Capture;
    try {
      capture = await captureText(guest);
      // What a machine that has just booted still changes must differ twice.
      if (mismatches(checkerOf(whole, capture), whole.functions).length > 0) {
        await sleep(SETTLE_MS);
        capture = await captureText(guest);
      }
    } finally {
      await guest.close();
    }
    const found = mismatches(checkerOf(whole, capture), whole.functions);
    expect(found.map((mismatch) => `${mismatch.fn.name}: ${causeOf(mismatch)}`)).toEqual([]);
    expect(whole.functions.length).toBeGreaterThan(40_000);
    expect(flipBits(whole, capture, FLIPS, seeded(1))).toEqual([]);
  });
});
