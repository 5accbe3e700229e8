import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../node/crypto.ts";
import { artifactPath, feedPath, metadataPath } from "../../shared/feed/paths.ts";
import { formatInventory } from "../../shared/inventory.ts";
import { DAY, HOUR, instant } from "../../shared/time.ts";
import { signedRoot } from "../support/memory_feed.ts";
import { filesBelow, kernelId, moduleOf, Site } from "./site.ts";

const [A, B, C] = [kernelId(1), kernelId(2), kernelId(3)];
let site: Site;
let mirror: string;
beforeEach(async () => {
  site = await Site.open();
  mirror = site.path("mirror");
  await site.publish(A, { release: "6.1.0-1-cloud-amd64", distribution: "Debian 12", updates: ["fix-a"] });
  await site.publish(B, {
    release: "6.12.1-2-amd64",
    distribution: "Debian 13",
    updates: ["fix-b", "fix-c"],
  });
  await site.publish(C, { release: "5.14.0-7.el9", distribution: "Rocky 9" });
});
afterEach(() => site.close());

const sync = (code: number, ...more: readonly string[]) =>
  site.json(code, "mirror", "sync", site.url, mirror, "--root", site.path("root.json"), ...more);
const listed = (id: string, release: string) => ({ build_id: id, release, distribution: null, version: 1 });
const served = async (path: string) => Buffer.from((await site.edge.send("GET", `/${path}`)).bytes);

describe("rebootless mirror sync", () => {
  it("makes a copy that is the feed, file for file", async () => {
    expect(await sync(0, "--all")).toMatchObject({ kernels: 3, taken: [A, B, C], artifacts: 3, renewed: 0 });
    const files = await filesBelow(mirror);
    for (const [path, bytes] of files)
      if (path !== "kernels/index.json") expect(bytes).toEqual(await served(path));
    expect([...files.keys()]).toContain(feedPath(A));
    expect([...files.keys()]).toContain(`${metadataPath(B)}/1.root.json`);
    expect([...files.keys()]).toContain(artifactPath(sha256Of(moduleOf("fix-c"))));
    expect(files.size).toBe(1 + 1 + 3 + 3 * 6);
  });

  it("asks for what changed, and for nothing else", async () => {
    await sync(0, "--all");
    expect(await sync(0)).toMatchObject({ taken: [], requests: 2, artifacts: 0 });
    await site.publish(B, { updates: ["fix-b", "fix-d"] });
    site.asked.length = 0;
    expect(await sync(0)).toMatchObject({ taken: [B], requests: 4, artifacts: 1 });
    expect(site.asked).toEqual([
      "/root/2.root.json",
      expect.stringMatching(/^\/kernels\/changes\?since=/),
      `/${feedPath(B)}`,
      `/${artifactPath(sha256Of(moduleOf("fix-d")))}`,
    ]);
  });

  it("keeps what nobody publishes for fresh, many kernels in one question", async () => {
    await sync(0, "--all");
    site.pass(4 * DAY);
    expect(await sync(0)).toMatchObject({ taken: [], renewed: 3, requests: 3 });
    expect(await readFile(join(mirror, feedPath(A)))).toEqual(await served(feedPath(A)));
    site.pass(20 * DAY); // the snapshots too
    expect(await sync(0)).toMatchObject({ taken: [], renewed: 3 });
    for (const [path, bytes] of await filesBelow(mirror)) {
      if (path !== "kernels/index.json") expect(bytes).toEqual(await served(path));
    }
  });

  it.each([
    ["by build ID", ["--kernel", B], [B]],
    ["by release", ["--release", "6.12.*-amd64"], [B]],
    ["by distribution", ["--distribution", "Debian *"], [A, B]],
    ["by both", ["--distribution", "Debian *", "--release", "*-cloud-*"], [A]],
  ])("takes kernels %s, and the same ones the next time", async (_, choice, wanted) => {
    expect(await sync(0, ...choice)).toMatchObject({ taken: wanted, unselected: [] });
    for (const id of [A, B, C]) await site.publish(id);
    expect(await sync(0)).toMatchObject({ taken: wanted });
    expect((await sync(0, "--all"))["kernels"]).toBe(3);
  });

  it("asks which kernels where nobody ever said so: how many there are, what they weigh, and how to say it", async () => {
    const { error } = await sync(2);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^which kernels\? http.* has 3, about 1 MB$/),
      hint: expect.stringContaining("--all"),
      details: { kernels: 3, bytes: expect.any(Number) },
    });
    expect([...(await filesBelow(mirror)).keys()]).toEqual([]);
    // One that was made whole before goes on, whatever made it.
    await sync(0, "--all");
    await site.publish(A);
    expect(await sync(0)).toMatchObject({ taken: [A] });
  });

  it("goes on with its choice where the first run was cut short", async () => {
    const path = `/${feedPath(B)}`;
    site.interfere = (asked) => (asked === path ? { status: 503, body: "" } : undefined);
    await sync(3, "--distribution", "Debian *");
    site.interfere = () => undefined;
    expect(await sync(0)).toMatchObject({ kernels: 2 });
  });

  it.each([
    ["a pattern", ["--release", "6.13*"]],
    ["a build ID", ["--kernel", kernelId(9)]],
  ])("fails where the feed has no kernel for %s, and keeps the choice that it had", async (_, choice) => {
    const { error } = await sync(21, ...choice);
    expect(error).toMatchObject({ code: "no_match", message: expect.stringContaining(choice[1] ?? "") });
    await sync(0, "--release", "6.1.*");
    expect((await sync(21, ...choice))["error"]).toMatchObject({ code: "no_match" });
    await site.publish(A);
    await site.publish(C);
    expect(await sync(0)).toMatchObject({ taken: [A], kernels: 1 });
  });

  it("fails where the feed has no list, and keeps fresh what it has", async () => {
    site.interfere = (path) =>
      /^\/kernels\/(?:changes|index\.json)/.test(path) ? { status: 404, body: "" } : undefined;
    expect((await sync(20, "--all"))["error"]).toMatchObject({ code: "no_list" });
    expect(await sync(0, "--kernel", A)).toMatchObject({ taken: [A] }); // needs none
    site.pass(4 * DAY);
    expect(await sync(20, "--release", "6.1.*")).toMatchObject({
      renewed: 1,
      error: expect.objectContaining({ message: expect.stringContaining("no list of its kernels") }),
    });
  });

  it.each<[string, (page: number, since: string) => object | string, number, RegExp]>([
    ["says for ever that there is more", (page) => ({ next: `c${page}`, more: true }), 20, /does not end/],
    ["gives the same page again", () => ({ next: "same", more: true }), 20, /does not end/],
    [
      "goes round in a circle",
      (page) => ({ next: `c${page % 3}`, more: true }),
      20,
      /goes round in a circle/,
    ],
    [
      "names new kernels for ever",
      (page) => ({
        kernels: Array.from({ length: 200 }, (_, i) => listed(kernelId(1000 + page * 200 + i), "9.9")),
        next: `c${page}`,
        more: true,
      }),
      20,
      /names more than 200000 kernels/,
    ],
    ["is no list", () => "{", 4, /sent something of another format/],
  ])(
    "is not stopped by a list that %s: what is here is renewed, and that it was so is told",
    async (_, answer, code, why) => {
      await sync(0, "--release", "6.*");
      await site.publish(B);
      site.pass(4 * DAY);
      let page = 0;
      site.interfere = (path) => {
        if (!path.startsWith("/kernels/changes")) return undefined;
        const body = answer(page++, path);
        const listing = { schema: 1, kernels: [listed(A, "6.1.0-1-cloud-amd64")] };
        return {
          status: 200,
          body: typeof body === "string" ? body : JSON.stringify({ ...listing, ...body }),
        };
      };
      expect(await sync(code)).toMatchObject({
        renewed: 1,
        taken: [B], // its renewal names other targets
        error: { message: expect.stringMatching(why) },
      });
      expect(page).toBeLessThanOrEqual(1001);
      site.interfere = () => undefined;
      expect(await sync(0)).toMatchObject({ taken: [] });
    },
  );

  it("takes the kernels of hosts by their inventories, and says what the feed does not have", async () => {
    const lines = [C, kernelId(9), C].map((buildId) =>
      formatInventory({ buildId, release: "6.1", modules: [], applied: [] }),
    );
    await writeFile(site.path("hosts"), `# rack 7\n${lines.join("\n")}\n\n`);
    const { code, stderr } = await site.run(
      ...["mirror", "sync", site.url, mirror, "--root", site.path("root.json"), "--for", site.path("hosts")],
    );
    expect([code, stderr]).toEqual([0, `warning: ${site.url} has nothing for kernel ${kernelId(9)}\n`]);
    await site.publish(C, { updates: ["fix-e"] });
    expect(await sync(0)).toMatchObject({ taken: [C], not_covered: [kernelId(9)] });
    await writeFile(site.path("hosts"), lines[0]?.replace("6.1 ", "6.2 ") ?? "");
    expect(await site.run("mirror", "sync", site.url, mirror, "--for", site.path("hosts"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("hosts:1 is not an inventory"),
    });
  });

  it("follows the roots, and has everything signed under the newest", async () => {
    await sync(0, "--all");
    const second = signedRoot(site.made, 2, instant(site.now + 400 * DAY), site.made.keys);
    expect((await site.send("POST", "/root", second)).status).toBe(201);
    site.pass(HOUR);
    expect(await sync(0)).toMatchObject({ root: 2, roots: [2], renewed: 3, taken: [] });
    for (const [path, bytes] of await filesBelow(mirror)) {
      if (path !== "kernels/index.json") expect(bytes).toEqual(await served(path));
    }
  });

  it("copies a mirror from its folder, and from any web server that has its files", async () => {
    await sync(0, "--all");
    const second = site.path("second");
    const take = (from: string) =>
      site.json(0, "mirror", "sync", from, second, "--root", site.path("root.json"), "--all");
    expect(await take(mirror)).toMatchObject({ taken: [A, B, C], requests: 0 });
    expect(await filesBelow(second)).toEqual(await filesBelow(mirror));
    expect(await take(mirror)).toMatchObject({ taken: [] });
    await site.publish(C);
    site.pass(4 * DAY);
    await sync(0);
    expect(await take(mirror)).toMatchObject({ taken: [A, B, C] });
    expect(await filesBelow(second)).toEqual(await filesBelow(mirror));
  });

  it("is not held up by a list that leaves something out for longer than signatures last", async () => {
    await sync(0, "--all");
    await site.publish(A);
    const empty = JSON.stringify({ schema: 1, kernels: [], next: "x", more: false });
    site.interfere = (path) =>
      path.startsWith("/kernels/changes") ? { status: 200, body: empty } : undefined;
    expect(await sync(0)).toMatchObject({ taken: [] });
    site.pass(4 * DAY);
    expect(await sync(0)).toMatchObject({ taken: [A], renewed: 2 });
  });

  it("takes nothing that does not verify, keeps what it had, and takes the rest", async () => {
    await sync(0, "--all");
    const before = await readFile(join(mirror, feedPath(A)));
    const other = await served(feedPath(B));
    await site.publish(A);
    await site.publish(C);
    site.interfere = (path) => (path === `/${feedPath(A)}` ? { status: 200, body: other } : undefined);
    const { error, failed, taken } = await sync(4);
    expect(error).toMatchObject({ code: "trust" });
    expect([taken, failed]).toEqual([[C], [expect.objectContaining({ build_id: A })]]);
    expect(await readFile(join(mirror, feedPath(A)))).toEqual(before);
    site.interfere = () => undefined;
    expect(await sync(0)).toMatchObject({ taken: [A] }); // the list is asked again from where all was well
  });

  it("refuses artifacts that are others, going back, and what has expired", async () => {
    const old = await served(feedPath(B));
    await site.publish(B, { updates: ["fix-z"] });
    const path = `/${artifactPath(sha256Of(moduleOf("fix-z")))}`;
    site.interfere = (asked) => (asked === path ? { status: 200, body: moduleOf("fix-y") } : undefined);
    expect((await sync(4, "--all"))["error"]).toMatchObject({ code: "trust" });
    expect([...(await filesBelow(mirror)).keys()]).not.toContain(feedPath(B));
    site.interfere = () => undefined;
    await sync(0);
    await rm(join(mirror, "kernels/index.json"));
    site.interfere = (asked) => (asked === `/${feedPath(B)}` ? { status: 200, body: old } : undefined);
    expect((await sync(4))["error"]).toMatchObject({ code: "rollback" });
    site.pass(8 * DAY);
    const empty = JSON.stringify({ schema: 1, kernels: [] });
    site.interfere = (asked) =>
      asked.startsWith("/kernels/timestamps") ? { status: 200, body: empty } : undefined;
    expect(
      await site.run("mirror", "sync", mirror, site.path("new"), "--root", site.path("root.json"), "--all"),
    ).toMatchObject({ code: 8 });
    const accepting = ["--accept-stale", "14d", "--all", "--root", site.path("root.json")];
    expect(await site.run("mirror", "sync", mirror, site.path("new"), ...accepting)).toMatchObject({
      code: 0,
    });
  });

  it("wants a root of trust, one of its own, and a choice that makes sense", async () => {
    expect(await site.run("mirror", "sync", site.url, mirror)).toMatchObject({ code: 2 });
    expect(await sync(0, "--all")).toMatchObject({ kernels: 3 });
    await writeFile(
      site.path("other.json"),
      signedRoot(site.made, 1, instant(site.now + DAY), site.made.keys),
    );
    const other = ["--root", site.path("other.json")];
    expect(await site.run("mirror", "sync", site.url, mirror, ...other)).toMatchObject({ code: 2 });
    for (const odd of [
      ["--kernel", "x"],
      ["--all", "--release", "6"],
      ["--keep", "x"],
      ["--renew-within", "1"],
    ]) {
      expect(await site.run("mirror", "sync", site.url, mirror, ...odd)).toMatchObject({ code: 2 });
    }
    expect(await site.run("mirror", "sync", "http://127.0.0.1:9/", mirror)).toMatchObject({ code: 3 });
    const log = (await readFile(join(mirror, "mirror/log.jsonl"), "utf8")).trim().split("\n");
    expect(log.map((line) => Object.keys(JSON.parse(line)).includes("error"))).toEqual([true, false, true]);
  });

  it("prunes what is old, and nothing that a reader of the newest state needs", async () => {
    await sync(0, "--all");
    for (let round = 0; round < 4; round++) {
      await site.publish(A, { updates: [`fix-${round}`] });
      await sync(0);
    }
    const newest = await filesBelow(site.path("mirror"));
    await mkdir(site.path("fresh"));
    await site.json(
      0,
      "mirror",
      "sync",
      site.url,
      site.path("fresh"),
      "--root",
      site.path("root.json"),
      "--all",
    );
    expect((await sync(0, "--keep", "9999d"))["pruned"]).toBe(0);
    expect((await sync(0, "--keep", "2"))["pruned"]).toBe(3 * 3 + 3);
    expect((await sync(0, "--keep", "1"))["pruned"]).toBe(3 + 1);
    const pruned = await filesBelow(mirror);
    for (const [path, bytes] of pruned) expect(newest.get(path)).toEqual(bytes);
    expect(pruned).toEqual(await filesBelow(site.path("fresh")));
  });
});
