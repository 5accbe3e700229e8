import { execFileSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { release } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { SmallHost } from "./small_host.ts";

const system = (...args: readonly string[]) => execFileSync("uname", args, { encoding: "utf8" });
const fix = { ...sampleUpdate("fix-1"), effective: "9.9.9-test" };
const EVERY = ["-a", "-s", "-n", "-r", "-v", "-m", "-p", "-i", "-o", "-sr", "-nr", "-snrvm"];

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
  await host.configure(`feed = "${await host.serveFeed(await host.feedJson(fix))}"`);
  await host.run("check");
});
afterEach(() => host.remove());

describe("uname", () => {
  it.each([[], ...EVERY.map((flag) => [flag])])(
    "on a host that is not set up is the system's (%s)",
    async (...args) => {
      await rm(host.places.configDir, { recursive: true });
      expect((await host.run("uname", ...args)).stdout).toBe(system(...args));
    },
  );

  it.each(EVERY)("%s has the effective release in its place, and the rest as it is", async (flag) => {
    const functions = ["vmlinux/cmdline_proc_show,1"];
    host.system.patches.set(fix.module.name, { enabled: true, left: 0, functions });
    expect((await host.run("uname", flag)).stdout).toBe(system(flag).replace(release(), "9.9.9-test"));
  });
});
