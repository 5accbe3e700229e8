import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONDITION_NAMES, CONDITIONS } from "../../../client/conditions/condition.ts";
import { METRICS } from "../../../client/report/metrics.ts";
import { HOUR, instant } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { projectRoot } from "../../support/guest/machine.ts";
import { parseExposition } from "../report/exposition_parser.ts";
import { ID, RELEASE, SmallHost } from "./small_host.ts";

let host: SmallHost;
let feed: string;
beforeEach(async () => {
  host = await SmallHost.make();
  const recalled = { ...sampleUpdate("fix-2", { recalled: "it leaks" }), cves: ["CVE-2026-20000"] };
  feed = await host.serveFeed(await host.feedJson(sampleUpdate("fix-1"), recalled));
  await host.configure(`feed = "${feed}"`);
});
afterEach(() => host.remove());

async function measured() {
  const { stdout, code } = await host.run("metrics");
  expect(code).toBe(0);
  const families = parseExposition(stdout);
  return (name: string) =>
    families.get(name)?.samples.map(({ labels, value }) => [...Object.values(labels), value]);
}

describe("metrics", () => {
  it("tell of a host before its first check that nothing is known of the feed", async () => {
    const of = await measured();
    expect(of("rebootless_info")).toEqual([["1.2.3", RELEASE, RELEASE, ID, 1]]);
    expect(of("rebootless_suspects")).toEqual([[0]]);
    expect(of("rebootless_feed_verified_timestamp_seconds")).toBeUndefined();
    expect(of("rebootless_last_run_exit_code")).toBeUndefined();
  });

  it("tell what the kernel runs, what the feed said and how the last run ended", async () => {
    await host.run("check");
    const now = Date.UTC(2036, 5, 1) / 1000;
    const first = await measured();
    expect(first("rebootless_updates")).toEqual([
      ["available", 1],
      ["recalled", 1],
    ]);
    expect(first("rebootless_cves")).toEqual([["affected", 2]]);
    expect(first("rebootless_feed_verified_timestamp_seconds")).toEqual([[now]]);
    expect(first("rebootless_feed_expires_timestamp_seconds")?.[0]?.[0]).toBeGreaterThan(now);
    expect(first("rebootless_last_run_exit_code")).toEqual([["check", 0]]);

    host.system.patches.set("livepatch_fix_1", { enabled: true, left: 0, functions: host.system.functions });
    await host.configure('feed = "http://127.0.0.1:9/"');
    host.now = instant(host.now + HOUR);
    await host.run("check");
    const last = await measured();
    expect(last("rebootless_updates")).toEqual([
      ["applied", 1],
      ["recalled", 1],
    ]);
    expect(last("rebootless_cves")).toEqual([
      ["affected", 1],
      ["fixed", 1],
    ]);
    expect(last("rebootless_last_run_exit_code")).toEqual([["check", 3]]);
    expect(last("rebootless_feed_verified_timestamp_seconds")).toEqual([[now]]);
    expect(last("rebootless_last_run_timestamp_seconds")).toEqual([["check", now + 3600]]);
  });

  it("go to a file, whole and for everybody to read", async () => {
    const file = join(host.dir, "textfile/rebootless.prom");
    await mkdir(join(host.dir, "textfile"));
    expect(await host.run("metrics", "-o", file)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(parseExposition(await readFile(file, "utf8")).size).toBeGreaterThan(4);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect(await readdir(join(host.dir, "textfile"))).toEqual(["rebootless.prom"]);
  });

  it("do not go into a folder that is not there, and do not make it", async () => {
    const file = join(host.dir, "textfiel/rebootless.prom");
    expect(await host.run("metrics", "-o", file)).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: cannot write ${file}: ${host.dir}/textfiel is not there\nhint: Make the folder first, or name another one.\n`,
    });
    await host.configure(`feed = "${feed}"\nmetrics_file = "${file}"`);
    expect((await host.run("check")).stderr).toContain("textfiel is not there");
    expect(await readdir(host.dir)).not.toContain("textfiel");
  });

  it("never take the place of what is no file", async () => {
    const pipe = join(host.dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    expect(await host.run("metrics", "-o", pipe)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(`^error: ${pipe} is there, and is not a file\n`),
    });
    expect((await stat(pipe)).isFIFO()).toBe(true);
  });

  it("are left by each run where the configuration says so, after good and bad ends", async () => {
    const file = join(host.dir, "rebootless.prom");
    const exitCode = async () =>
      parseExposition(await readFile(file, "utf8")).get("rebootless_last_run_exit_code")?.samples[0]?.value;
    await host.configure(`feed = "${feed}"\nmetrics_file = "${file}"`);
    await host.run("check");
    expect(await exitCode()).toBe(0);
    await host.configure(`feed = "http://127.0.0.1:9/"\nmetrics_file = "${file}"`);
    await host.run("check");
    expect(await exitCode()).toBe(3);
  });

  it("never make a run fail that did not", async () => {
    await host.configure(`feed = "${feed}"\nmetrics_file = "${host.dir}/etc/rebootless.toml/x.prom"`);
    const { code, stderr } = await host.run("check");
    expect(code).toBe(0);
    expect(stderr).toContain("warning: the metrics were not written: cannot write ");
  });
});

describe("docs/monitoring.md", () => {
  it("lists every condition, and which of them make a run fail", async () => {
    const document = await readFile(join(projectRoot, "docs/monitoring.md"), "utf8");
    const rows = [...document.matchAll(/^\| `([a-z_]+)` \| .+ \| (yes|no) \|$/gm)];
    expect(rows.map(([, name, fails]) => [name, fails === "yes"])).toEqual(
      CONDITION_NAMES.map((name) => [name, CONDITIONS[name].urgent]),
    );
  });

  it("lists every metric with its labels", async () => {
    const document = await readFile(join(projectRoot, "docs/monitoring.md"), "utf8");
    const rows = [...document.matchAll(/^\| `(rebootless_\w+)` \| (.*?) ?\| (.+) \|$/gm)];
    expect(rows.map(([, name, labels, help]) => ({ name, labels, help }))).toEqual(
      METRICS.map(({ name, labels, help }) => ({
        name,
        labels: labels.map((label) => `\`${label}\``).join(" "),
        help,
      })),
    );
  });
});
