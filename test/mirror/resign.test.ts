import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { poll } from "../../client/trust/poll.ts";
import { trustDir } from "../../client/trust/trust_dir.ts";
import { folderFeed } from "../../node/transport/folder_feed.ts";
import { hostVerifiers } from "../../node/verifier.ts";
import { privateJwk } from "../../publisher/keys/jwk.ts";
import { keyFromSeed } from "../../publisher/keys/key_file.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { DAY, instant } from "../../shared/time.ts";
import { signedRoot } from "../support/memory_feed.ts";
import { kernelId, Site } from "./site.ts";

const A = kernelId(1);
let site: Site;
let mirror: string;
const sync = () =>
  site.json(0, "mirror", "sync", site.url, mirror, "--root", site.path("root.json"), "--all");
const resign = (code: number, ...more: readonly string[]) =>
  site.json(code, "mirror", "resign", mirror, "--key", site.path("site.jwk"), ...more);
/** What a host behind the gap makes of the mirror. */
const host = () =>
  poll({
    feed: folderFeed(`file://${mirror}/`),
    directory: trustDir(site.path("host"), A, site.made.root),
    provisionedRoot: site.made.root,
    buildId: A,
    verifiers: hostVerifiers(),
    clock: () => site.now,
  });

beforeAll(async () => {
  site = await Site.open();
  mirror = site.path("mirror");
  await site.publish(A, { updates: ["fix-a"] });
  await sync();
  const own = await keyFromSeed(new Uint8Array(32).fill(77));
  await writeFile(site.path("site.jwk"), JSON.stringify(privateJwk(own)));
  expect((await resign(2))["error"]).toMatchObject({ code: "config" });
  const keys = { ...site.made.keys, timestamp: [...site.made.keys.timestamp, own] };
  const root = signedRoot(site.made, 2, instant(site.now + 400 * DAY), keys);
  expect((await site.send("POST", "/root", root)).status).toBe(201);
  site.pass(2 * 60_000);
  await sync();
});
afterAll(() => site.close());

describe("a site's own timestamps", () => {
  it("make what a courier brought last longer for hosts, who verify all of it as ever", async () => {
    expect((await host()).version).toBe(1);
    site.pass(8 * DAY);
    await expect(host()).rejects.toMatchObject({ code: "expired" });
    expect(await resign(0)).toMatchObject({ kernels: 1, expired: [] });
    expect((await host()).expires - site.now).toBe(14 * DAY);
    expect(await site.json(0, "mirror", "verify", mirror)).toMatchObject({ faults: [] });
  });

  it("never outlast the snapshot, which is the feed's alone", async () => {
    expect(await resign(0, "--expires", "90d")).toMatchObject({ kernels: 1 });
    expect((await host()).expires - site.now).toBe(22 * DAY - 2 * 60_000);
    site.pass(23 * DAY);
    expect(await resign(0)).toMatchObject({ kernels: 0, expired: [A] });
    await expect(host()).rejects.toMatchObject({ code: "expired" });
  });

  it("have to be made again when something newer came, and say so; hosts wait, and go on", async () => {
    await site.publish(A, { updates: ["fix-a", "fix-b"] });
    const { stderr, code } = await site.run("mirror", "sync", site.url, mirror);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^warning: 1 kernel had timestamps that this site signed/),
    ]);
    await expect(host()).rejects.toMatchObject({ code: "rollback" });
    expect(await resign(0)).toMatchObject({ kernels: 1 });
    expect((await host()).version).toBe(2);
    expect((await host()).changed).toBe(false);
  });

  it("are refused as transfers, for other roles, and under another key", async () => {
    expect(await site.run("mirror", "export", mirror, "-o", site.path("x.tar"))).toMatchObject({ code: 2 });
    const before = await readFile(join(mirror, feedPath(A)));
    const [snapshot] = site.made.keys.snapshot;
    if (!snapshot) throw new Error("no key");
    await writeFile(site.path("site.jwk"), JSON.stringify(privateJwk(snapshot)));
    expect((await resign(2))["error"]).toMatchObject({ code: "config" });
    await writeFile(site.path("site.jwk"), "{}");
    expect((await resign(2))["error"]).toMatchObject({ code: "usage" });
    expect((await resign(2, "--expires", "91d"))["error"]).toMatchObject({ code: "usage" });
    expect(await readFile(join(mirror, feedPath(A)))).toEqual(before);
  });
});
