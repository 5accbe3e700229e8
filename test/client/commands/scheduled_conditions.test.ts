import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY, HOUR, instant } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { parseExposition } from "../report/exposition_parser.ts";
import { ID, type Output, SmallHost } from "./small_host.ts";

const DOWN = "http://127.0.0.1:9/";
const SILENT: Output = { code: 0, stdout: "", stderr: "" };

let host: SmallHost;
let feed: string;
beforeEach(async () => {
  host = await SmallHost.make();
  feed = await host.serveFeed(await host.feedJson());
});
afterEach(() => host.remove());

const use = (...feeds: readonly string[]) =>
  host.configure(`feed = ${JSON.stringify(feeds)}\njitter = "0s"\naccept_stale = "14d"\n`);
const byClock = (...options: readonly string[]) => host.run("-q", ...options, "upgrade", "--scheduled");
const later = (milliseconds: number) => {
  host.now = instant(host.now + milliseconds);
};
/** A run by the clock, an hour after the last. */
const next = () => {
  later(HOUR);
  return byClock();
};
/** A feed that has nothing. */
async function nowhere(): Promise<string> {
  return host.serve((_, response) => response.writeHead(404).end());
}
const conditions = async () => (await host.status())["conditions"];

describe.each<[string, string, () => Promise<string>, number, RegExp, string]>([
  [
    "a feed that is out of reach",
    "unreachable",
    async () => DOWN,
    3,
    /^warning: the feed has been unreachable since 2036-06-01T00:00:00Z: http:\/\/127\.0\.0\.1:9\/.* did not answer \(.*ECONNREFUSED.*\)$/m,
    "the feed can be reached again, after 3h",
  ],
  [
    "a kernel that is not covered",
    "not_covered",
    nowhere,
    5,
    /^warning: the running kernel has not been covered since 2036-06-01T00:00:00Z: .*\nhint: /m,
    "the running kernel is covered, after 3h",
  ],
])("%s", (_, name, make, exitCode, begins, ends) => {
  beforeEach(async () => use(await make()));

  it("is said once when it begins and once when it ends, and no run fails for it", async () => {
    const first = await byClock();
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toMatch(begins);
    expect(await next()).toEqual(SILENT);
    expect(await next()).toEqual(SILENT);
    await use(feed);
    expect(await next()).toEqual({ code: 0, stdout: "", stderr: `${ends}\n` });
    expect(await next()).toEqual(SILENT);
    expect(host.logged).toEqual([expect.stringContaining("since 2036-06-01T00:00:00Z"), ends]);
  });

  it("is not said again after a reboot", async () => {
    await byClock();
    await rm(host.places.runDir, { recursive: true });
    expect(await next()).toEqual(SILENT);
    expect(await conditions()).toMatchObject([{ name, since: "2036-06-01T00:00:00Z" }]);
  });

  it("shows as long as it lasts: in status.json, status, metrics, doctor and the answer for programs", async () => {
    await byClock();
    later(HOUR);
    const shown = { name, since: "2036-06-01T00:00:00Z", detail: expect.any(String) };
    expect(JSON.parse((await byClock("--json")).stdout)).toMatchObject({ conditions: [shown] });
    expect(await host.status()).toMatchObject({ conditions: [shown], run: { exit_code: 0 } });
    expect((await host.run("status")).stdout).toMatch(/^lasting {2}.* since 2036-06-01T00:00:00Z: /m);
    expect(JSON.parse((await host.run("status", "--json")).stdout)).toMatchObject({ conditions: [shown] });
    const metrics = async (family: string) =>
      parseExposition((await host.run("metrics")).stdout)
        .get(family)
        ?.samples.find(({ labels }) => labels["condition"] === name)?.value;
    expect(await metrics("rebootless_condition")).toBe(1);
    const since = Date.UTC(2036, 5, 1) / 1000;
    expect(await metrics("rebootless_condition_since_timestamp_seconds")).toBe(since);
    expect((await host.run("doctor")).stdout).toMatch(/^warn {2}runs .* since 2036-06-01T00:00:00Z: /m);
    await use(feed);
    await next();
    expect(await conditions()).toEqual([]);
    expect(await metrics("rebootless_condition")).toBe(0);
    expect(await metrics("rebootless_condition_since_timestamp_seconds")).toBeUndefined();
    expect((await host.run("doctor")).stdout).toMatch(/^ok {4}runs /m);
  });

  it("is told to a person each time, with an exit code of its own", async () => {
    await byClock();
    for (const command of ["check", "upgrade"]) {
      for (let i = 0; i < 2; i++) {
        const { code, stderr } = await host.run(command);
        expect(code).toBe(exitCode);
        expect(stderr).toMatch(/^error: /m);
      }
    }
    expect(await next()).toEqual(SILENT);
  });

  it("that a person found ended is shown no more, and the next run by the clock says that it ended", async () => {
    await byClock();
    await use(feed);
    later(3 * HOUR);
    expect(await host.run("check")).toMatchObject({ code: 0, stderr: "" });
    expect(await conditions()).toEqual([]);
    expect((await next()).stderr).toBe(`${ends}\n`);
    expect(await next()).toEqual(SILENT);
  });

  it("is said by the clock though a person saw it first", async () => {
    await host.run("check");
    expect((await byClock()).stderr).toMatch(begins);
  });
});

describe("one of several feeds that will not do", () => {
  it("is said once when it begins and once when it will do again, and stays in run.warnings", async () => {
    const mirror = await host.folder("mirror", await host.feedJson());
    await use(DOWN, mirror);
    const first = await byClock();
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toMatch(/^warning: a feed has been skipped since .*: http:\/\/127.* did not answer/);
    expect(await next()).toEqual(SILENT);
    expect(await host.status()).toMatchObject({
      run: { warnings: [expect.stringContaining("trying the next feed")] },
      conditions: [{ name: "passed_over", subject: DOWN }],
    });
    expect((await host.run("check")).stderr).toContain("trying the next feed");
    await use(mirror);
    expect((await next()).stderr).toBe(`a feed is no longer skipped: ${DOWN}, after 2h\n`);
  });
});

describe("stale metadata that the configuration accepts", () => {
  it("is warned of once", async () => {
    const stick = await host.folder("stick", await host.feedJson());
    await use(stick);
    later(91 * DAY);
    expect((await byClock()).stderr).toMatch(/^warning: accepted although .* expired/);
    expect(await next()).toEqual(SILENT);
    expect(await conditions()).toMatchObject([{ name: "warning" }]);
  });
});

describe("what somebody has to act on", () => {
  it.each<[string, number, () => Promise<unknown>, RegExp]>([
    [
      "a feed that lies",
      4,
      async () => use(await host.serve((_, r) => r.end("{}"))),
      /^error: .* is not a feed\n/,
    ],
    [
      "metadata that expired",
      8,
      async () => {
        await use(await host.folder("stick", await host.feedJson()));
        later(120 * DAY);
      },
      /^error: .* is out of date/,
    ],
    [
      "an update that cannot be fetched",
      3,
      async () => use(await host.serveFeed(await host.feedJson(sampleUpdate("fix-1")))),
      /^error: .* is missing from the feed\n/,
    ],
    ["a configuration that is wrong", 2, () => host.configure("feed = 7"), /^error: .*: feed: expected /],
    [
      "a clock that cannot be right",
      14,
      async () => {
        await use(feed);
        later(-20 * 365 * DAY);
      },
      /^error: this host's clock says /,
    ],
  ])("%s fails each run, and is said once a day, not at each", async (_, code, spoil, says) => {
    await spoil();
    const first = await byClock();
    expect(first.code).toBe(code);
    expect(first.stderr).toMatch(says);
    expect(await next()).toEqual({ ...SILENT, code });
    expect(await host.status()).toMatchObject({
      run: { exit_code: code, error: { message: expect.any(String) } },
    });
    expect(JSON.parse((await byClock("--json")).stdout)).toMatchObject({ exit_code: code, error: {} });
    expect(host.logged).toHaveLength(1);
    later(DAY);
    expect((await byClock()).stderr).toMatch(says);
    expect(host.logged).toHaveLength(2);
  });

  it("is over when a run ends well, which is said; a person's own upgrade that ends well counts", async () => {
    await host.configure("feed = 7");
    await byClock();
    await use(feed);
    later(2 * DAY);
    expect((await host.run("upgrade")).code).toBe(0);
    expect(await conditions()).toEqual([]);
    expect((await next()).stderr).toBe("scheduled runs succeed again, after 2d\n");
  });

  it("is said once more where what was said is lost or damaged", async () => {
    await use(DOWN);
    await byClock();
    const file = join(host.places.stateDir, "conditions.json");
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ format: 1 });
    await writeFile(file, '{"format":1,"conditions":[{"name":"?"}]}');
    expect((await next()).stderr).toMatch(/^warning: the feed has been unreachable/);
  });
});

describe("another trouble in place of the first", () => {
  it("is said when it begins, and nothing is said to be well", async () => {
    await use(DOWN);
    await byClock();
    await use(await nowhere());
    const { stderr } = await next();
    expect(stderr).toMatch(/^warning: the running kernel has not been covered since 2036-06-01T01:00:00Z/);
    expect(stderr).not.toContain("again");
    expect(await conditions()).toMatchObject([{ name: "not_covered", subject: ID }]);
  });

  it("is that what was verified has expired, where a feed stays out of reach for so long: then runs fail", async () => {
    await use(feed);
    await byClock();
    await use(DOWN);
    expect((await next()).code).toBe(0);
    later(120 * DAY);
    const { code, stderr } = await byClock();
    expect(code).toBe(8);
    expect(stderr).toMatch(/^error: .* has expired$/m);
    expect(stderr).not.toContain("reached again");
    expect(await conditions()).toMatchObject([{ name: "expired" }]);
    await use(await host.folder("renewed", await host.feedJson()));
    expect((await next()).stderr).toBe("the feed's metadata is fresh again, after 1h\n");
  });

  it("that only an answer can be ends the first: what answers is in reach", async () => {
    await use(DOWN);
    await byClock();
    await use(await host.serve((_, response) => response.end("{}")));
    const { code, stderr } = await next();
    expect([code, stderr.split("\n")[0]]).toEqual([4, "the feed can be reached again, after 1h"]);
  });
});
