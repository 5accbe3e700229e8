import { describe, expect, it } from "vitest";
import { findKernel } from "../guest/machine.ts";
import { proveBoot } from "./boot_proof.ts";
import { causeOf, fingerprintKernel } from "./whole_kernel.ts";

// A part of `npm run proof:runpre`, which boots every kernel in every configuration.
const FLIPS = { count: 300, seed: 1 };

describe("every function of a booted kernel", () => {
  it("is as it should be, and every changed bit is found", { timeout: 300_000 }, async () => {
    const kernel = findKernel("primary");
    const whole = fingerprintKernel(kernel);
    // The most that a kernel does to its code; one processor also takes out lock prefixes.
    const configuration = { name: "", cpu: "Skylake-Server", smp: 1, append: "retbleed=stuff" };
    const { found, missed } = await proveBoot(kernel, whole, configuration, FLIPS);
    expect(found.map((mismatch) => `${mismatch.fn.name}: ${causeOf(mismatch)}`)).toEqual([]);
    expect(whole.functions.length).toBeGreaterThan(90_000);
    expect(missed).toEqual([]);
  });
});
