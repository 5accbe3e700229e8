import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { provisionedRootFile } from "../../../node/config/config.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { ID, SmallHost } from "./small_host.ts";

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
  await host.configure(`feed = "${await host.serveFeed(await host.feedJson(sampleUpdate("fix-1")))}"`);
  const read = host.system.read;
  const files: Readonly<Record<string, string>> = {
    "/proc/sys/kernel/ftrace_enabled": "1",
    "/proc/sys/kernel/modules_disabled": "1",
    "/proc/self/status": "CapEff:\t000001ffffffffff",
    "/proc/cmdline": "quiet",
  };
  host.system.read = async (path) =>
    files[path] ??
    (/^\/sys\/(?:module|kernel\/security)\//.test(path) ? undefined : await read.call(host.system, path));
});
afterEach(() => host.remove());

/** Of one check: its verdict. */
async function verdicts(...args: readonly string[]): Promise<Record<string, string>> {
  const { checks } = JSON.parse((await host.run("doctor", "--json", ...args)).stdout);
  return Object.fromEntries(checks.map(({ check, verdict }: Record<string, string>) => [check, verdict]));
}

describe("doctor", () => {
  it("ends with 1 and names what forbids updates, beside all that it found", async () => {
    const { code, stdout, stderr } = await host.run("doctor");
    expect(code).toBe(1);
    expect(stdout).toContain(`ok    kernel         6.1.0-57-test x86_64, build ID ${ID}\n`);
    expect(stdout).toMatch(
      /^fail {2}modules {8}loading modules is switched off until the next boot\n {21}Remove /m,
    );
    expect(stdout).toMatch(
      /^ok {4}feed {11}reached, verified until 2036-08-30T00:00:00Z, 1 update for this kernel$/m,
    );
    expect(stderr).toMatch(/^error: this host cannot be patched in its present state: .*modules/);
  });

  it("says the same to programs, as one object", async () => {
    const { code, stdout } = await host.run("doctor", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      command: "doctor",
      exit_code: 1,
      error: { code: "unsupported" },
      checks: expect.arrayContaining([
        { check: "livepatch", verdict: "ok", says: "the kernel supports live patches" },
        expect.objectContaining({ check: "modules", verdict: "fail", hint: expect.any(String) }),
      ]),
    });
  });

  it("asks no feed when it is offline, and finds nothing kept before the first check", async () => {
    expect(await verdicts("--offline")).toMatchObject({ feed: "fail", root: "ok" });
    await host.run("check");
    expect(await verdicts("--offline")).toMatchObject({ feed: "ok" });
  });

  it("says which kernel is not covered, and what is not set up", async () => {
    await host.configure(`feed = "${await host.serve((_, response) => response.writeHead(404).end())}"`);
    expect(await verdicts()).toMatchObject({ feed: "fail", root: "ok", configuration: "ok" });
    await rm(provisionedRootFile(host.places));
    expect(await verdicts()).toMatchObject({ feed: "fail", root: "fail" });
  });
});
