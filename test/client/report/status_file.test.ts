import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR, instant } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { ID, RELEASE, SmallHost } from "../commands/small_host.ts";

const fix = sampleUpdate("fix-1");
const ramp = { ...sampleUpdate("fix-2"), rollout: { start: instant(Date.UTC(2036, 5, 2)), hours: 0 } };

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
});
afterEach(() => host.remove());

describe("status.json", () => {
  it("has what a run found: kernel, feed, updates, what is withheld and how it ended", async () => {
    const feed = await host.serveFeed(await host.feedJson(fix, ramp));
    await host.configure(`feed = "${feed}"`);
    expect(await host.run("check")).toMatchObject({ code: 0 });
    expect(await host.status()).toEqual({
      schema: 1,
      written: "2036-06-01T00:00:00Z",
      version: "1.2.3",
      run: {
        command: "check",
        exit_code: 0,
        error: null,
        milliseconds: expect.any(Number),
        changes: [],
        warnings: [],
      },
      feed: { url: feed, version: 1, expires: "2036-08-30T00:00:00Z", verified: "2036-06-01T00:00:00Z" },
      kernel: { build_id: ID, release: RELEASE, effective_release: RELEASE },
      updates: [
        {
          id: "fix-1",
          state: "available",
          summary: "Fixes what fix-1 names",
          cves: ["CVE-2026-12345"],
          published: "2026-01-01T00:00:00Z",
          recalled: null,
          module: "livepatch_fix_1",
          pending: [],
        },
        {
          id: "fix-2",
          state: "available",
          summary: "Fixes what fix-2 names",
          cves: ["CVE-2026-12345"],
          published: "2026-01-01T00:00:00Z",
          recalled: null,
          module: "livepatch_fix_2",
          pending: [],
          withheld: {
            reason: "rollout",
            until: "2036-06-02T00:00:00Z",
            detail: "rolled out to this host 2036-06-02T00:00:00Z",
          },
        },
      ],
      foreign: [],
      suspects: [],
      differences: [],
      holds: [],
      conditions: [],
    });
  });

  it("is world-readable, alone in its folder, and replaced whole", async () => {
    await host.configure(`feed = "${await host.serveFeed(await host.feedJson(fix))}"`);
    for (const _ of [1, 2]) await host.run("check");
    expect(await readdir(host.places.runDir)).toEqual(["status.json"]);
    expect((await stat(join(host.places.runDir, "status.json"))).mode & 0o777).toBe(0o644);
  });

  it("keeps what was known when the feed is down, and says that it is", async () => {
    await host.configure(`feed = "${await host.serveFeed(await host.feedJson(fix))}"`);
    await host.run("check");
    const before = await host.status();
    await host.configure('feed = "http://127.0.0.1:9/"');
    host.now = instant(host.now + HOUR);
    expect(await host.run("check")).toMatchObject({ code: 3 });
    const { feed, updates, run, written } = await host.status();
    expect({ feed, updates }).toEqual({ feed: before["feed"], updates: before["updates"] });
    expect(written).toBe("2036-06-01T01:00:00Z");
    expect(run).toMatchObject({ exit_code: 3, error: { code: "unreachable" } });
  });

  it("tells of a run that could not even begin, and is not kept from it by what lies there", async () => {
    await host.configure("feed = 7");
    await mkdir(host.places.runDir);
    await writeFile(join(host.places.runDir, "status.json"), '{"schema":2,"kernel":"?"}');
    expect(await host.run("check")).toMatchObject({ code: 2 });
    const { kernel, run } = await host.status();
    expect(kernel).toBeUndefined();
    expect(run).toMatchObject({ command: "check", exit_code: 2, error: { code: "config" } });
  });

  it("that cannot be written is a warning, and the run ends as it would", async () => {
    await host.configure(`feed = "${await host.serveFeed(await host.feedJson(fix))}"`);
    await writeFile(host.places.runDir, "a file where the folder should be");
    const { code, stderr } = await host.run("check");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: status\.json was not written: /);
  });
});
