import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Feed } from "../../../node/transport/feed.ts";
import { folderFeed } from "../../../node/transport/folder_feed.ts";

let dir: string;
let feed: Feed;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless folder-"));
  await mkdir(join(dir, "kernels"));
  feed = folderFeed(`${pathToFileURL(dir).href}/`);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const hello = new Uint8Array(Buffer.from("hello"));

describe("a feed in a folder", () => {
  it("reads a file below it, tags it by its digest, and makes no request", async () => {
    await writeFile(join(dir, "kernels/a.json"), hello);
    const fetched = await feed.get("kernels/a.json", { maxBytes: 5 });
    const etag = '"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"'; // sha256sum
    expect(fetched).toEqual({ status: "ok", bytes: hello, etag });
    expect(await feed.get("kernels/a.json", { maxBytes: 5, etag })).toEqual({ status: "not_modified" });
    expect(await feed.get("kernels/a.json", { maxBytes: 5, etag: '"2"' })).toMatchObject({ status: "ok" });
    expect(feed.traffic.requests).toBe(0);
  });

  it("has no file where there is none, nor below a file", async () => {
    await writeFile(join(dir, "kernels/a"), "x");
    for (const path of ["kernels/b", "artifacts/c", "kernels/a/b"]) {
      expect(await feed.get(path, { maxBytes: 5 })).toEqual({ status: "not_found" });
    }
  });

  it("follows no link below it, in any part of a path; the folder itself may be one", async () => {
    await mkdir(join(dir, "real"));
    await writeFile(join(dir, "real/one"), hello);
    await symlink("../real/one", join(dir, "kernels/file"));
    await symlink("real", join(dir, "folder"));
    for (const path of ["kernels/file", "folder/one"]) {
      await expect(feed.get(path, { maxBytes: 5 })).rejects.toMatchObject({ code: "unreachable" });
    }
    await symlink(dir, `${dir}-link`);
    const linked = folderFeed(`${pathToFileURL(`${dir}-link`).href}/`);
    expect(await linked.get("real/one", { maxBytes: 5 })).toMatchObject({ bytes: hello });
    await rm(`${dir}-link`);
  });

  it("is unreachable where the stick is not mounted: without its folder, or with an empty one", async () => {
    await rm(join(dir, "kernels"), { recursive: true });
    const unmounted = { code: "unreachable", message: expect.stringContaining("is it mounted?") };
    await expect(feed.get("kernels/a", { maxBytes: 5 })).rejects.toMatchObject(unmounted);
    await rm(dir, { recursive: true });
    await expect(feed.get("kernels/a", { maxBytes: 5 })).rejects.toMatchObject(unmounted);
  });

  it("takes a file of exactly its limit and not one byte more", async () => {
    await writeFile(join(dir, "a"), hello);
    expect(await feed.get("a", { maxBytes: 5 })).toMatchObject({ status: "ok" });
    await expect(feed.get("a", { maxBytes: 4 })).rejects.toMatchObject({ code: "unreachable" });
  });

  it("neither waits for a pipe nor reads a folder", async () => {
    execFileSync("mkfifo", [join(dir, "pipe")]);
    for (const path of ["pipe", "kernels"]) {
      await expect(feed.get(path, { maxBytes: 5 })).rejects.toThrow("is a link, or no file");
    }
  });
});
