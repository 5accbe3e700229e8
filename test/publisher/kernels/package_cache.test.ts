import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { PackageCache } from "../../../publisher/kernels/package_cache.ts";
import type { PackageFile } from "../../../publisher/kernels/served_kernel.ts";
import { utf8 } from "../../../shared/bytes.ts";

describe("the cache of packages", () => {
  let folder = "";
  let cache: PackageCache;
  let fetched: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rebootless-packages-"));
    cache = new PackageCache(join(folder, "files"));
    fetched = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const named = (text: string): PackageFile => ({
    package: "linux-image",
    version: text,
    file: "image.deb",
    bytes: text.length,
    sha256: sha256Of(utf8(text)),
  });
  const fetching =
    (text: string, name = "whatever.deb") =>
    async (file: PackageFile, into: string): Promise<void> => {
      fetched.push(file.version);
      writeFileSync(join(into, name), text);
    };
  const path = (text: string, comes = text): Promise<string> => cache.path(named(text), fetching(comes));

  it("fetches a package once, and gives its file the name that the list has", async () => {
    const first = await path("one");
    expect(first).toBe(join(folder, "files", named("one").sha256, "image.deb"));
    expect(readFileSync(first, "utf8")).toBe("one");
    expect(await path("one")).toBe(first);
    expect(fetched).toEqual(["one"]);
  });

  it("keeps nothing that is not what the list names", async () => {
    await expect(path("one", "two")).rejects.toMatchObject({ code: "trust" });
    await expect(path("one", "longer")).rejects.toMatchObject({ code: "trust" });
    expect(readdirSync(join(folder, "files"))).toEqual([]);
    await path("one");
    expect(fetched).toEqual(["one", "one", "one"]);
  });

  it("is pruned from what was not used for the longest time", async () => {
    const paths = [await path("aaaa"), await path("bbbb"), await path("cccc")];
    const [old = "", older = ""] = paths;
    utimesSync(join(old, ".."), 2000, 2000);
    utimesSync(join(older, ".."), 1000, 1000);
    await cache.prune(8);
    expect(paths.map((one) => existsSync(one))).toEqual([true, false, true]);
    await cache.prune(100);
    expect(paths.map((one) => existsSync(one))).toEqual([true, false, true]);
  });

  it("is not pruned while it is used", async () => {
    const kept = await path("aaaa");
    await cache.held(() => cache.prune(0));
    expect(existsSync(kept)).toBe(true);
    await cache.prune(0);
    expect(existsSync(kept)).toBe(false);
  });
});
