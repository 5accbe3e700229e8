import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openInput } from "../../../../publisher/kernel_files/input.ts";
import { type ModuleFile, moduleName } from "../../../../publisher/kernel_files/module_files.ts";
import { neededModules } from "../../../../publisher/try/guest/needed_modules.ts";
import { findKernel } from "../../../support/guest/machine.ts";

const kernel = findKernel("primary");
const WANTED = ["virtio_net", "8021q"];

/** What depmod found: each module, and all that must be loaded before it. */
const byDepmod: ReadonlyMap<string, readonly string[]> = new Map(
  readFileSync(join(kernel.modules, "modules.dep"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", ...needed] = line
        .split(/:? /)
        .map((path) => moduleName(path.replace(/:$/, "")) ?? "");
      return [name, needed.filter((one) => one !== "")] as const;
    }),
);

let files: readonly ModuleFile[];

beforeAll(async () => {
  files = (await openInput(kernel.modules, () => true)).modules;
});

describe("the modules that a guest loads", () => {
  it("are those that depmod lists, each after all that it needs", async () => {
    const order = [...(await neededModules(files, WANTED)).keys()];
    expect(new Set(order)).toEqual(new Set(WANTED.flatMap((name) => [name, ...(byDepmod.get(name) ?? [])])));
    expect(order.length).toBeGreaterThan(WANTED.length);
    order.forEach((name, index) => {
      for (const needed of byDepmod.get(name) ?? []) expect(order.slice(0, index)).toContain(needed);
    });
  });

  it("are none for what is built in", async () => {
    expect([...(await neededModules(files, ["ext4"])).keys()]).toEqual([]);
  });

  it("come whole, even if a module is among what it needs", async () => {
    const [, file] = [...(await neededModules(files, ["virtio_net"]))].at(-1) ?? [];
    const inCircle = { name: "net_failover", path: "", read: async () => file } as ModuleFile;
    const order = [...(await neededModules([...files, inCircle], ["virtio_net"])).keys()];
    expect(order.slice(-2)).toEqual(["net_failover", "virtio_net"]);
  });
});
