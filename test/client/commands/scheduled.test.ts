import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { scheduled } from "../../../client/commands/scheduled.ts";
import type { Context } from "../../../client/context.ts";
import { RunRecord } from "../../../client/run_record.ts";
import { terminal } from "../../../node/cli/terminal.ts";
import { folderLock } from "../../../node/lock.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { DAY, instant, MINUTE } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { stopBy } from "../../support/stop.ts";
import { SmallHost } from "./small_host.ts";

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
});
afterEach(() => host.remove());

const NEITHER = async () => {
  throw new Error("not this one");
};

/** A run by the clock whose upgrade is the test's own. Returns what was printed and how long it waited. */
async function run(upgrade: (context: Context) => Promise<void>, environment = {}) {
  let printed = "";
  const write = (text: string) => {
    printed += text;
  };
  let waited = 0;
  host.system.sleep = async (milliseconds) => {
    waited += milliseconds;
  };
  const record = new RunRecord(async () => undefined);
  const context: Context = {
    places: host.places,
    terminal: terminal({ program: "rebootless", json: false, quiet: true }, { stdout: write, stderr: write }),
    clock: () => host.now,
    system: host.system,
    lock: folderLock(host.places.stateDir),
    stop: stopBy(),
    exitWith: () => undefined,
    record,
  };
  const failure = await scheduled(context, { check: NEITHER, upgrade }, environment).catch((e: unknown) => e);
  return { printed, waited, failure, record };
}

describe("a run by the clock", () => {
  it("is silent when nothing changed", async () => {
    await host.configure('feed = "/srv/feed"');
    const { printed, failure } = await run(async ({ terminal: t }) => t.say("Nothing to apply."));
    expect([printed, failure]).toEqual(["", undefined]);
  });

  it("says everything when something changed", async () => {
    await host.configure('feed = "/srv/feed"');
    const { printed } = await run(async ({ terminal: t, record }) => {
      t.say("kernel");
      t.say("applied fix-1");
      await record.change("applied fix-1");
    });
    expect(printed).toBe("kernel\napplied fix-1\n");
  });

  it("says everything when it failed, and fails", async () => {
    await host.configure('feed = "/srv/feed"');
    const error = new RebootlessError("apply", "no");
    const { printed, failure } = await run(async ({ terminal: t }) => {
      t.say("kernel");
      throw error;
    });
    expect([printed, failure]).toEqual(["kernel\n", error]);
  });

  it("waits a random time up to the one configured, but not under systemd", async () => {
    await host.configure('feed = "/srv/feed"\njitter = "30m"');
    const nothing = async () => undefined;
    const waits = [];
    for (let i = 0; i < 20; i++) {
      const { waited, record } = await run(nothing);
      expect(record.waitedMs).toBe(waited);
      waits.push(waited);
    }
    expect(Math.max(...waits)).toBeLessThan(30 * MINUTE);
    expect(new Set(waits).size).toBeGreaterThan(10);
    expect((await run(nothing, { INVOCATION_ID: "0123" })).waited).toBe(0);
    await host.configure('feed = "/srv/feed"\njitter = "0s"');
    expect((await run(nothing)).waited).toBe(0);
  });

  it("does nothing where a kill switch is set, and says so once", async () => {
    await host.configure('feed = "/srv/feed"');
    const file = join(host.places.configDir, "disabled");
    await writeFile(file, "");
    const { printed, failure, record } = await run(NEITHER);
    expect(failure).toBeUndefined();
    expect(printed).toBe(
      `warning: scheduled runs have been switched off since 2036-06-01T00:00:00Z: ${file}\n`,
    );
    expect(record.warnings).toEqual([expect.stringContaining(file)]);
    expect((await run(NEITHER)).printed).toBe("");
    await rm(file);
    host.now = instant(host.now + 3 * DAY);
    expect((await run(async () => undefined)).printed).toBe(
      "scheduled runs are no longer switched off, after 3d\n",
    );
  });
});

describe("a run by the clock that finds a recalled update in force", () => {
  it("says so once, and again after it was out; a person is told each time", async () => {
    const fix = sampleUpdate("fix-1");
    const name = fix.module.name;
    const functions = fix.objects.flatMap((o) => o.functions.map((fn) => `${o.name}/${fn.name},1`));
    const load = () => host.system.patches.set(name, { enabled: true, left: 0, functions });
    const feed = await host.serveFeed(await host.feedJson({ ...fix, recalled: "it leaks" }));
    await host.configure(`feed = "${feed}"\njitter = "0s"`);
    const byClock = async () => (await host.run("-q", "upgrade", "--scheduled")).stderr;
    const warning = /^warning: fix-1 was recalled and is still applied: it leaks/;
    load();
    expect(await byClock()).toMatch(warning);
    expect(await host.run("-q", "upgrade", "--scheduled")).toMatchObject({ code: 0, stdout: "", stderr: "" });
    await host.run("check");
    expect(await byClock()).toBe("");
    expect((await host.run("upgrade")).stderr).toMatch(warning);
    host.system.patches.clear();
    await byClock();
    load();
    expect(await byClock()).toMatch(warning);
  });
});

describe("a run by the clock in the mode check", () => {
  it("only looks, and speaks of what is new once", async () => {
    const feed = await host.serveFeed(await host.feedJson(sampleUpdate("fix-1")));
    await host.configure(`feed = "${feed}"\nmode = "check"\njitter = "0s"`);
    const first = await host.run("-q", "upgrade", "--scheduled");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("available  fix-1: Fixes what fix-1 names");
    expect(await host.run("-q", "upgrade", "--scheduled")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(host.system.ran).toEqual([]);
    expect(host.logged).toEqual([]);
  });
});
