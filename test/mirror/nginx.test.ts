import { rm, symlink } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MirrorDir } from "../../mirror/mirror_dir.ts";
import { serveMirror } from "../../mirror/serve.ts";
import { DAY } from "../../shared/time.ts";
import { nginx, PUBLIC_FILES, SITE_MIRROR } from "../support/nginx.ts";
import type { Server as FileServer } from "../support/server.ts";
import { filesBelow, kernelId, Site } from "./site.ts";

const [A, B] = [kernelId(1), kernelId(2)];
let site: Site;
let served: Server;
beforeAll(async () => {
  site = await Site.open();
  await site.publish(A, { release: "6.1.0-1-cloud-amd64", updates: ["fix-a"] });
  await site.publish(B, { release: "6.12.1-2-amd64", updates: ["fix-b"] });
  await site.json(
    0,
    "mirror",
    "sync",
    site.url,
    site.path("mirror"),
    "--root",
    site.path("root.json"),
    "--all",
  );
  const dir = new MirrorDir(site.path("mirror"));
  served = await serveMirror({ dir, host: "127.0.0.1", port: 0, report: () => undefined });
});
afterAll(async () => {
  served.close();
  await site.close();
});

describe.each([PUBLIC_FILES, SITE_MIRROR])("a mirror behind nginx, as $document says", (block) => {
  let files: FileServer;
  const url = (path: string) => `${files.url}/${path}`;
  const copy = (name: string) => site.path(`${name}-${basename(block.document)}`);
  const sync = (code: number, name: string, ...choice: readonly string[]) =>
    site.json(code, "mirror", "sync", url(""), copy(name), "--root", site.path("root.json"), ...choice);
  beforeAll(async () => {
    files = await nginx(site.path("mirror"), copy("work"), block);
  });
  afterAll(() => files.stop());

  it("gives out every path that `mirror serve` gives out, the same bytes, and no other", async () => {
    const ours = `http://127.0.0.1:${(served.address() as AddressInfo).port}/`;
    const paths = [...(await filesBelow(site.path("mirror"))).keys()];
    expect(paths.length).toBeGreaterThan(12);
    for (const path of paths) {
      const [theirs, here] = await Promise.all([fetch(url(path)), fetch(ours + path)]);
      expect([theirs.status, here.status], path).toEqual([200, 200]);
      expect(Buffer.from(await theirs.arrayBuffer()), path).toEqual(Buffer.from(await here.arrayBuffer()));
      for (const name of ["cache-control", "content-type"]) {
        expect(theirs.headers.get(name), `${path} ${name}`).toBe(here.headers.get(name));
      }
    }
    for (const path of [
      "",
      "mirror/root.json",
      "mirror/state.json",
      "kernels/",
      `kernels/${A}/`,
      "kernels/changes",
    ]) {
      expect((await fetch(url(path))).status, path).toBe(404);
    }
  });

  it("follows no link", async () => {
    const path = "root/9.root.json";
    await symlink(site.path("root.json"), join(site.path("mirror"), path));
    expect((await fetch(url(path))).status).toBeGreaterThan(400);
    await rm(join(site.path("mirror"), path));
  });

  it("is mirrored by its list: a choice takes what it fits, and one that fits nothing fails", async () => {
    expect(await sync(0, "some", "--release", "6.12*")).toMatchObject({ taken: [B], kernels: 1 });
    expect(await sync(0, "all", "--all")).toMatchObject({ kernels: 2 });
    expect(await sync(0, "all")).toMatchObject({ taken: [] });
    expect((await sync(21, "none", "--release", "6.13*"))["error"]).toMatchObject({ code: "no_match" });
    expect((await sync(2, "asked"))["error"]).toMatchObject({ details: { kernels: 2 } });
    site.pass(4 * DAY);
    await site.json(0, "mirror", "sync", site.url, site.path("mirror"));
    expect(await sync(0, "some")).toMatchObject({ kernels: 1 });
    expect((await site.json(0, "mirror", "verify", copy("some")))["faults"]).toEqual([]);
  });
});
