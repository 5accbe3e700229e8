import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { killSwitch } from "../../../client/host/kill_switch.ts";
import { FakeSystem } from "../../support/fake_system.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-switch-"));
});
afterEach(() => rm(dir, { recursive: true }));

const found = (cmdline: string) => {
  const system = new FakeSystem();
  system.read = async (path) => (path === "/proc/cmdline" ? cmdline : undefined);
  return killSwitch({ configDir: dir, stateDir: dir, runDir: dir }, system);
};

describe("the kill switch", () => {
  it("is off on a host that nobody touched", async () => {
    expect(await found("root=/dev/sda1 quiet xrebootless=off rebootless=offline")).toBeUndefined();
  });

  it("is a word on the kernel's command line", async () => {
    expect(await found("quiet rebootless=off ro")).toBe("rebootless=off on the kernel's command line");
  });

  it("is a file beside the configuration", async () => {
    await writeFile(join(dir, "disabled"), "");
    expect(await found("quiet")).toBe(join(dir, "disabled"));
  });
});
