import { beforeAll, describe, expect, it } from "vitest";
import { matchObject } from "../../client/apply/match.ts";
import { openModule } from "../../publisher/module/module_file.ts";
import { openInput } from "../../publisher/package/input.ts";
import { buildId } from "../../shared/brand.ts";
import type { TargetObject } from "../../shared/feed/update.ts";
import { bootGuest } from "../guest/guest.ts";
import { findKernel } from "../guest/machine.ts";
import { type Capture, captureMemory, captureText } from "./capture.ts";
import {
  captureModules,
  checkModules,
  type FingerprintedModule,
  fingerprintModules,
  type LoadedModules,
} from "./loaded_modules.ts";
import { fingerprintKernel } from "./whole_kernel.ts";

// A part of what `npm run proof:runpre` does; these bring in what they need, and are 20 and more.
const WANTED = ["nf_tables", "vsock", "kvm", "btrfs", "tls", "sit", "act_gact", "bridge"];

// One processor: an emulated second one at times stumbles over code that call depth tracking has rewritten.
const BOOT = { cpu: "Skylake-Server", smp: 1, append: "retbleed=stuff" } as const;

describe("the functions of loaded modules", () => {
  const kernel = findKernel("primary");
  const { landmarks } = fingerprintKernel(kernel);
  let text: Capture;
  let loaded: LoadedModules;
  let modules: readonly FingerprintedModule[];

  beforeAll(async () => {
    const guest = await bootGuest({ kernel, ...BOOT, modules: WANTED });
    try {
      text = await captureText(guest);
      loaded = await captureModules(guest);
    } finally {
      await guest.close();
    }
    modules = await fingerprintModules(kernel, loaded.modules.names());
  }, 400_000);

  it("all match", () => {
    const { functions, mismatches } = checkModules(modules, loaded, text, landmarks);
    expect(mismatches.map(({ module, fn }) => `${module}: ${fn.name}`)).toEqual([]);
    expect(modules.length).toBeGreaterThanOrEqual(15);
    expect(functions).toBeGreaterThan(5_000);
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
  const match = (object: TargetObject) =>
    matchObject(
      object,
      {
        landmarks,
        memory: captureMemory(text, loaded.memory),
        updates: [],
        loaded: [],
        sleep: async () => undefined,
      },
      loaded.modules,
    );

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
