import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY, instant } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { ID, SmallHost } from "./small_host.ts";

/** Well-formed, and without a manifest for this kernel. */
const OTHER = JSON.stringify({
  signatures: [],
  signed: {
    _type: "targets",
    spec_version: "1.0.33",
    version: 2,
    expires: "2037-01-01T00:00:00Z",
    targets: {},
  },
});
const DOWN = "http://127.0.0.1:9/";
let host: SmallHost;
let old: Uint8Array;
let current: Uint8Array;
let requests = 0;
beforeEach(async () => {
  host = await SmallHost.make();
  old = await host.feedJson();
  current = await host.feedJson(sampleUpdate("fix-1"));
  requests = 0;
});
afterEach(() => host.remove());

const counting = (body: Uint8Array) =>
  host.serve((_, response) => {
    requests++;
    response.end(body);
  });
const check = async (...feeds: readonly string[]) => {
  await host.configure(`feed = ${JSON.stringify(feeds)}`);
  return host.run("check", "--json");
};
const available = (stdout: string) => JSON.parse(stdout).available;

describe("a host with several feeds", () => {
  it("takes a folder, and then makes no request", async () => {
    const { code, stdout, stderr } = await check(
      await host.folder("mirror", current),
      await counting(current),
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ available: ["fix-1"], requests: 0, changed: true });
    expect(JSON.parse((await host.run("check", "--json")).stdout)).toMatchObject({ changed: false });
    expect(requests).toBe(0);
  });

  it("takes a folder that another TUF tool filled, and follows its roots", async () => {
    const folder = await host.tufFolder("tuf", current, 7);
    const { code, stdout } = await check(folder);
    expect([code, available(stdout)]).toEqual([0, ["fix-1"]]);
    expect(JSON.parse((await host.run("check", "--json")).stdout)).toMatchObject({ changed: false });
    const root = await readFile(join(host.places.stateDir, "trust/root.json"), "utf8");
    expect(JSON.parse(root).signed.version).toBe(7);
  });

  it.each([
    ["is incomplete", 3, (folder: string) => rm(join(folder, "metadata/2.targets.json"))],
    [
      "has something else in it",
      4,
      (folder: string) => writeFile(join(folder, "metadata/2.snapshot.json"), "{}"),
    ],
    ["is another kernel's", 4, (folder: string) => writeFile(join(folder, "metadata/2.targets.json"), OTHER)],
    ["has no timestamp", 5, (folder: string) => rm(join(folder, "metadata/timestamp.json"))],
  ])("refuses such a folder that %s", async (_, code, spoil) => {
    const folder = await host.tufFolder("tuf", current);
    await spoil(join(folder, "kernels", ID));
    expect(await check(folder)).toMatchObject({ code });
  });

  it("asks the next when one is down or not mounted, and says so", async () => {
    const { code, stdout, stderr } = await check(DOWN, "/nowhere/stick", await host.serveFeed(current));
    expect([code, available(stdout)]).toEqual([0, ["fix-1"]]);
    expect(stderr).toMatch(/^warning: http:\/\/127\.0\.0\.1:9\/.* did not answer; trying the next feed$/m);
    expect(stderr).toMatch(/^warning: file:\/\/\/nowhere\/stick\/ has no feed in it: is it mounted\?; /m);
    expect(((await host.status())["run"] as { warnings: string[] }).warnings).toHaveLength(2);
  });

  it("goes past one that lies, and says so", async () => {
    const { code, stdout, stderr } = await check(
      await counting(new Uint8Array(Buffer.from('{"format":1}'))),
      await host.folder("mirror", current),
    );
    expect([code, available(stdout)]).toEqual([0, ["fix-1"]]);
    expect(stderr).toMatch(/^warning: .* sent something that is not a feed; trying the next feed$/m);
  });

  it("goes past one that has fallen behind", async () => {
    await check(await host.folder("mirror", current));
    const { code, stderr } = await check(await counting(old), await host.folder("mirror", current));
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: .*; trying the next feed$/m);
  });

  it("fails with the gravest fault when none will do", async () => {
    const lies = await counting(new Uint8Array(Buffer.from("{}")));
    expect(await check(DOWN, lies, "/nowhere")).toMatchObject({ code: 4 });
    expect(await check(DOWN, "/nowhere")).toMatchObject({ code: 3 });
    expect(await check(DOWN, await host.serve((_, r) => r.writeHead(404).end()))).toMatchObject({ code: 5 });
  });

  it("refuses a stick that expired, and takes it where stale metadata is accepted", async () => {
    const stick = await host.folder("stick", current);
    host.now = instant(host.now + 100 * DAY);
    expect(await check(stick)).toMatchObject({ code: 8 });
    await host.configure(`feed = "${stick}"\naccept_stale = "14d"`);
    const { code, stderr } = await host.run("check");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: accepted although .* expired/m);
  });

  it("takes stale metadata, where it may, from no feed as long as another has fresh, and else from the first", async () => {
    const stick = await host.folder("stick", current);
    host.now = instant(host.now + 100 * DAY);
    const fresh = await host.serveFeed(await host.feedJson(sampleUpdate("fix-2")));
    const stale = 'accept_stale = "14d"';
    await host.configure(`feed = ["${stick}", "${DOWN}"]\n${stale}`);
    const alone = await host.run("check", "--json");
    expect([alone.code, available(alone.stdout)]).toEqual([0, ["fix-1"]]);
    expect(alone.stderr.split("\n").filter(Boolean)).toEqual([
      expect.stringMatching(/^warning: .*expired.*; trying the next feed$/),
      expect.stringMatching(/^warning: .* did not answer/),
      expect.stringMatching(/^warning: accepted although .* expired/),
    ]);
    await host.configure(`feed = ["${stick}", "${fresh}"]\n${stale}`);
    const both = await host.run("check", "--json");
    expect([both.code, available(both.stdout)]).toEqual([0, ["fix-2"]]);
    expect(both.stderr).not.toContain("accepted although");
  });

  it("fails with what is gravest where what is stale is too old as well", async () => {
    const stick = await host.folder("stick", current);
    host.now = instant(host.now + 100 * DAY);
    await host.configure(`feed = ["${stick}", "${DOWN}"]\naccept_stale = "1d"`);
    expect(await host.run("check")).toMatchObject({ code: 8 });
  });

  it("does without any feed when it is told to, and asks none", async () => {
    const url = await counting(current);
    await check(url);
    requests = 0;
    expect(await host.run("check", "--offline")).toMatchObject({ code: 0 });
    expect(requests).toBe(0);
    await rm(host.places.stateDir, { recursive: true });
    expect(await host.run("check", "--offline")).toMatchObject({ code: 3 });
  });
});
