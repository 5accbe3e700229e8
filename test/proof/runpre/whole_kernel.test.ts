import { beforeAll, describe, expect, it } from "vitest";
import { matchObject } from "../../../client/apply/match.ts";
import { placeObject } from "../../../client/apply/place_object.ts";
import type { ObjectMatch, RunningCode } from "../../../client/apply/running_code.ts";
import { openInput } from "../../../publisher/kernel_files/input.ts";
import { openModule } from "../../../publisher/module/module_file.ts";
import { buildId } from "../../../shared/brand.ts";
import type { TargetObject } from "../../../shared/feed/update.ts";
import { bootGuest } from "../../support/guest/guest.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { type Capture, captureMemory, captureText } from "./capture.ts";
import { captureModules, type FingerprintedModule, type LoadedModules } from "./loaded_modules.ts";
import { KernelModules, type ModulesResult, proveModules } from "./module_proof.ts";
import { type CodeResult, proveText } from "./text_proof.ts";
import { causeOf, fingerprintKernel } from "./whole_kernel.ts";

// A part of what `npm run proof:runpre` does, in one boot; these modules bring in what they need, and are 20 and more.
const WANTED = ["nf_tables", "vsock", "kvm", "btrfs", "tls", "sit", "act_gact", "bridge"];

// One processor: an emulated second one at times stumbles over code that call depth tracking has rewritten.
const BOOT = { cpu: "Skylake-Server", smp: 1, append: "retbleed=stuff" } as const;

const FLIPS = { count: 300, seed: 1 };

describe("the functions of a booted kernel and of its modules", () => {
  const kernel = findKernel("primary");
  const whole = fingerprintKernel(kernel);
  const { landmarks } = whole;
  let ofKernel: CodeResult;
  let ofModules: ModulesResult;
  let text: Capture;
  let loaded: LoadedModules;
  let modules: readonly FingerprintedModule[];

  beforeAll(async () => {
    const guest = await bootGuest({ kernel, ...BOOT, modules: WANTED });
    try {
      const known = new KernelModules(kernel);
      ofKernel = await proveText(guest, whole, FLIPS);
      ofModules = await proveModules(guest, whole, known, FLIPS);
      text = await captureText(guest);
      loaded = await captureModules(guest);
      modules = await known.of(loaded.modules.names());
    } finally {
      await guest.close();
    }
  }, 600_000);

  it("all match, and every changed bit is found", () => {
    for (const { found, missed } of [ofKernel, ofModules]) {
      expect(found.map((mismatch) => `${mismatch.fn.name}: ${causeOf(mismatch)}`)).toEqual([]);
      expect(missed).toEqual([]);
    }
    expect(ofKernel.functions).toBeGreaterThan(90_000);
    expect(ofModules.modules).toBeGreaterThanOrEqual(15);
    expect(ofModules.functions).toBeGreaterThan(5_000);
  });

  const vsock = (): FingerprintedModule => {
    const module = modules.find(({ name }) => name === "vsock");
    if (module === undefined) throw new Error("vsock was not loaded");
    return module;
  };
  const target = (of: FingerprintedModule, id = of.buildId): TargetObject => ({
    ...of,
    buildId: buildId(id),
  });
  const match = async (object: TargetObject): Promise<ObjectMatch> => {
    const running: RunningCode = {
      landmarks,
      memory: captureMemory(text, loaded.memory),
      updates: [],
      loaded: [],
      sleep: async () => undefined,
    };
    const placed = placeObject(object, running, loaded.modules);
    return placed.outcome === "placed" ? matchObject(object, placed, running) : placed;
  };

  it("differ by one changed bit, which is named", async () => {
    const place = loaded.modules.find(vsock().name)?.section(".text") ?? 0n;
    const at = Number(place - loaded.memory.start) + 0x123;
    const before = await match(target(vsock()));
    loaded.memory.bytes[at] = (loaded.memory.bytes[at] ?? 0) ^ 0x20;
    const after = await match(target(vsock()));
    loaded.memory.bytes[at] = (loaded.memory.bytes[at] ?? 0) ^ 0x20;
    expect(before.outcome).toBe("match");
    expect(after).toMatchObject({
      outcome: "mismatch",
      error: { code: "runpre", message: expect.stringContaining("+0x") },
    });
  });

  it("are not compared with another build's", async () => {
    const { modules: others } = await openInput(findKernel("other").modules, (name) => name === "vsock");
    const other = openModule((await others[0]?.read()) ?? new Uint8Array());
    expect(other.buildId).not.toBe(vsock().buildId);
    expect(await match(target(vsock(), other.buildId))).toEqual({
      outcome: "other_build",
      wanted: other.buildId,
      found: vsock().buildId,
    });
  });
});
