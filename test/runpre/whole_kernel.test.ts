import { describe, expect, it } from "vitest";
import { bootGuest } from "../guest/guest.ts";
import { findKernel } from "../guest/machine.ts";
import { MODULES } from "./loaded_modules.ts";
import { KernelModules, proveModules } from "./module_proof.ts";
import { type CodeResult, proveText } from "./text_proof.ts";
import { causeOf, fingerprintKernel } from "./whole_kernel.ts";

// A part of `npm run proof:runpre`, which boots every kernel in every configuration.
const FLIPS = { count: 300, seed: 1 };

function expectAllRight({ found, missed }: CodeResult): void {
  expect(found.map((mismatch) => `${mismatch.fn.name}: ${causeOf(mismatch)}`)).toEqual([]);
  expect(missed).toEqual([]);
}

describe("every function of a booted kernel and its modules", () => {
  it("is as it should be, and every changed bit is found", { timeout: 600_000 }, async () => {
    const kernel = findKernel("primary");
    const whole = fingerprintKernel(kernel);
    // The most that a kernel does to its code; one processor also takes out lock prefixes.
    const options = { cpu: "Skylake-Server", smp: 1, append: "retbleed=stuff" };
    const guest = await bootGuest({ kernel, ...options, modules: MODULES });
    try {
      const text = await proveText(guest, whole, FLIPS);
      expectAllRight(text);
      expect(text.functions).toBeGreaterThan(90_000);
      const modules = await proveModules(guest, whole, new KernelModules(kernel), FLIPS);
      expectAllRight(modules);
      expect(modules.modules).toBeGreaterThanOrEqual(15);
      expect(modules.functions).toBeGreaterThan(10_000);
    } finally {
      await guest.close();
    }
  });
});
