import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClosedFolder } from "../../../node/folder/closed_folder.ts";
import { isPlace } from "../../../node/folder/place.ts";

let work: string;
let outside: string;
let dir: string;
let folder: ClosedFolder;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless closed-"));
  outside = join(work, "outside");
  dir = join(work, "inside");
  await mkdir(join(outside, "deep"), { recursive: true });
  await mkdir(join(dir, "a/b"), { recursive: true });
  await writeFile(join(outside, "secret"), "secret");
  await writeFile(join(dir, "a/b/file"), "hello");
  folder = new ClosedFolder(dir);
});
afterEach(() => rm(work, { recursive: true }));

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

describe("a closed folder", () => {
  it("reads plain files up to a limit, and tells what is there from what is not", async () => {
    expect(text(await folder.readIfThere("a/b/file", 5))).toBe("hello");
    expect(await folder.read("a/b/file", 4)).toEqual({ kind: "large" });
    expect(await folder.size("a/b/file")).toBe(5);
    for (const path of ["a/x", "x/y", "a/b/file/x"])
      expect(await folder.read(path, 5)).toEqual({ kind: "nothing" });
    expect(await folder.names("a")).toEqual(["b"]);
    expect(await folder.names("x")).toEqual([]);
  });

  it("follows no link, in any part of a path, whether it leads out or not", async () => {
    await symlink(join(outside, "secret"), join(dir, "file"));
    await symlink(outside, join(dir, "out"));
    await symlink("a", join(dir, "within"));
    await symlink("round", join(dir, "round"));
    for (const path of [
      "file",
      "out/secret",
      "within/b/file",
      "round",
      "round/x",
      "../outside/secret",
      "a/../file",
    ]) {
      expect(await folder.read(path, 99), path).toEqual({ kind: "foreign" });
      expect(await folder.size(path), path).toBeUndefined();
    }
    for (const path of ["out", "within", "out/deep"]) {
      await expect(folder.names(path)).rejects.toMatchObject({ code: "trust" });
    }
  });

  it("may be a link itself, and is followed where that leads to next", async () => {
    const link = join(work, "link");
    await symlink(dir, link);
    const linked = new ClosedFolder(link);
    expect(text(await linked.readIfThere("a/b/file", 5))).toBe("hello");
    await rm(link);
    await symlink(outside, link);
    expect(text(await linked.readIfThere("secret", 6))).toBe("secret");
  });

  it("waits for no pipe, and opens no socket, device or folder", async () => {
    execFileSync("mkfifo", [join(dir, "pipe")]);
    const server = createServer().listen(join(dir, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    for (const path of ["pipe", "socket", "a"]) {
      expect(await folder.read(path, 5), path).toEqual({ kind: "foreign" });
    }
    server.close();
    expect(await new ClosedFolder("/dev").read("zero", 5)).toEqual({ kind: "foreign" });
  });

  it("makes folders and writes in them, and never through a link", async () => {
    const write = (path: string) => folder.within(path, (at) => writeFile(`${at}/new`, "x", { flag: "wx" }));
    await write("c/d/e");
    expect(await readFile(join(dir, "c/d/e/new"), "utf8")).toBe("x");
    await symlink(outside, join(dir, "out"));
    for (const path of ["out", "out/deep", "out/made"]) {
      await expect(write(path)).rejects.toMatchObject({ code: "trust" });
    }
    expect(await readdir(outside)).toEqual(["deep", "secret"]);
    expect(await readdir(join(outside, "deep"))).toEqual([]);
  });

  it("stays in the folder that it works in, also when a link takes its name meanwhile", async () => {
    await folder.within("a/b", async (at) => {
      await rename(join(dir, "a"), join(dir, "moved"));
      await symlink(outside, join(dir, "a"));
      await writeFile(`${at}/new`, "x");
    });
    expect(await readdir(outside)).toEqual(["deep", "secret"]);
    expect(await readFile(join(dir, "moved/b/new"), "utf8")).toBe("x");
  });

  it("removes what is in it, links themselves, and nothing that they lead to", async () => {
    await symlink(outside, join(dir, "out"));
    await symlink(outside, join(dir, "a/out"));
    await folder.remove("out/secret");
    await folder.remove("out/deep");
    expect(await readdir(outside)).toEqual(["deep", "secret"]);
    for (const path of ["out", "a", "x/y", "x"]) await folder.remove(path);
    expect(await readdir(dir)).toEqual([]);
    expect(await readdir(outside)).toEqual(["deep", "secret"]);
  });

  it("reads the old file or the new one while it is replaced all the time", async () => {
    const file = join(dir, "moving");
    await writeFile(file, "0");
    let writing = true;
    const writer = (async () => {
      for (let i = 1; writing; i++) {
        await writeFile(`${file}.new`, String(i));
        await rename(`${file}.new`, file);
      }
    })();
    const seen = new Set<string>();
    for (let i = 0; i < 500; i++) seen.add(text(await folder.readIfThere("moving", 9)) ?? "nothing");
    writing = false;
    await writer;
    expect(seen.size).toBeGreaterThan(10);
    expect(seen).not.toContain("nothing");
  });
});

describe("a place", () => {
  it.each([
    ["/srv/m/a/b", "/srv/m", "a/b", true],
    ["/a", "/", "a", true],
    ["/srv/m/a/b (deleted)", "/srv/m", "a/b", true],
    ["/srv/m/A/b", "/srv/m", "a/b", true],
    ["/srv/M/a/b", "/srv/m", "a/b", false],
    ["/srv/m/a/c", "/srv/m", "a/b", false],
    ["/srv/ma/b", "/srv/m", "a/b", false],
    ["/etc/shadow", "/srv/m", "a/b", false],
  ])("%s below %s is %s: %s", (place, root, path, is) => expect(isPlace(place, root, path)).toBe(is));
});
