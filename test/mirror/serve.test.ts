import { readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MirrorDir } from "../../mirror/mirror_dir.ts";
import { serveMirror } from "../../mirror/serve.ts";
import { sha256Of } from "../../node/crypto.ts";
import { artifactPath, feedPath, metadataPath } from "../../shared/feed/paths.ts";
import { DAY } from "../../shared/time.ts";
import { filesBelow, kernelId, moduleOf, Site } from "./site.ts";

const [A, B] = [kernelId(1), kernelId(2)];
let site: Site;
let server: Server;
let url: string;
const reports: string[] = [];
beforeAll(async () => {
  site = await Site.open();
  await site.publish(A, { updates: ["fix-a"] });
  await site.publish(B, { updates: ["fix-b"] });
  await sync(site.url, "mirror");
  const dir = new MirrorDir(site.path("mirror"));
  server = await serveMirror({ dir, host: "127.0.0.1", port: 0, report: (line) => reports.push(line) });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  server.close();
  await site.close();
  expect(reports).toEqual([]);
});

const sync = (from: string, to: string) =>
  site.json(0, "mirror", "sync", from, site.path(to), "--root", site.path("root.json"), "--all");

describe("a mirror that is served", () => {
  it("answers as the edge does: bytes, tags, parts, and nothing", async () => {
    const artifact = artifactPath(sha256Of(moduleOf("fix-a")));
    const headers = [
      "etag",
      "cache-control",
      "content-type",
      "content-range",
      "accept-ranges",
      "content-length",
    ];
    for (const path of [
      feedPath(A),
      `${metadataPath(A)}/timestamp.json`,
      `${metadataPath(B)}/1.root.json`,
      artifact,
    ]) {
      const etag = (await fetch(url + path)).headers.get("etag") ?? "";
      for (const [method, asked] of [
        ["GET", {}],
        ["HEAD", {}],
        ["GET", { "If-None-Match": `W/${etag}, "x"` }],
        ["GET", { Range: "bytes=5-9" }],
        ["GET", { Range: "bytes=-7", "If-Range": etag }],
        ["GET", { Range: "bytes=5-9", "If-Range": '"other"' }],
        ["GET", { Range: "bytes=99999999-" }],
      ] as const) {
        const ours = await fetch(url + path, { method, headers: asked });
        const edges = await site.edge.send(method, `/${path}`, { headers: asked });
        expect([ours.status, Buffer.from(await ours.arrayBuffer())]).toEqual([
          edges.status,
          Buffer.from(edges.bytes),
        ]);
        if (ours.status !== 416)
          for (const name of headers.slice(0, 5)) {
            expect(ours.headers.get(name) ?? undefined, `${method} ${path} ${name}`).toBe(
              edges.headers.get(name),
            );
          }
      }
    }
  });

  it.each([
    "",
    "mirror/root.json",
    "kernels/../mirror/root.json",
    "%2e%2e/root.json",
    "kernels/index.json/",
    "artifacts/",
    "artifacts/..%2f..%2froot.json",
    `kernels/${A}`,
    `artifacts/${"0".repeat(64)}`,
  ])("has nothing at /%s", async (path) => {
    expect((await fetch(url + path)).status).toBe(404);
  });

  it("follows no link out of its folder, and goes on when somebody goes away in the middle", async () => {
    const mirror = site.path("mirror");
    await writeFile(site.path("secret"), "secret");
    await symlink(site.path("secret"), join(mirror, "root/9.root.json"));
    await symlink(site.dir, join(mirror, `kernels/${kernelId(9)}`));
    await writeFile(site.path("feed.json"), "secret");
    for (const path of ["root/9.root.json", feedPath(kernelId(9))]) {
      expect((await fetch(url + path)).status, path).toBe(404);
    }
    const large = `artifacts/${"1".repeat(64)}`;
    await writeFile(join(mirror, large), Buffer.alloc(16 * 1024 * 1024));
    const stop = new AbortController();
    const answer = await fetch(url + large, { signal: stop.signal });
    stop.abort();
    expect(answer.status).toBe(200);
    await truncate(join(mirror, large), 33 * 1024 * 1024);
    expect((await fetch(url + large)).status).toBe(404); // larger than any artifact
    await Promise.all(
      ["root/9.root.json", `kernels/${kernelId(9)}`, large].map((one) => rm(join(mirror, one))),
    );
    expect((await fetch(url + feedPath(A))).status).toBe(200);
  });

  it("takes in nothing", async () => {
    expect((await fetch(url + feedPath(A), { method: "PUT", body: "x" })).status).toBe(405);
    expect((await fetch(`${url}kernels/timestamps?ids=x`)).status).toBe(400);
  });

  it("is mirrored as cheaply as the edge, and tells the truth of a file that was damaged", async () => {
    expect(await sync(url, "second")).toMatchObject({ kernels: 2 });
    expect(await sync(url, "second")).toMatchObject({ taken: [], requests: 2 });
    await site.publish(B, { updates: ["fix-d"] });
    await sync(site.url, "mirror");
    expect(await sync(url, "second")).toMatchObject({ taken: [B], requests: 4 });
    site.pass(4 * DAY);
    await sync(site.url, "mirror");
    expect(await sync(url, "second")).toMatchObject({ taken: [], renewed: 2, requests: 3 });
    expect(await filesBelow(site.path("second"))).toEqual(await filesBelow(site.path("mirror")));
    const path = artifactPath(sha256Of(moduleOf("fix-a")));
    const file = join(site.path("mirror"), path);
    const before = await readFile(file);
    await writeFile(file, "x".repeat(before.length));
    const other = sha256Of(new Uint8Array(Buffer.from("x".repeat(before.length))));
    expect((await fetch(url + path)).headers.get("etag")).toBe(`"${other}"`);
  });
});
