import { existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRoot, type RootOptions } from "../../../../publisher/create/builder/build_root.ts";
import { type FakeArchive, fakeArchive } from "./fake_archive.ts";

describe("a build root", { timeout: 60_000 }, () => {
  let archive: FakeArchive;
  const said: string[] = [];
  beforeEach(() => {
    archive = fakeArchive();
    said.length = 0;
  });
  afterEach(() => archive.remove());

  /** Opens a root and lets go of it. Returns what tells it from others. */
  async function open(version: string, options: Partial<RootOptions> = {}): Promise<string> {
    const packaged = { distribution: "Debian", name: "gcc-14", version };
    const compiler = { text: `gcc-14 (Debian ${version}) 14.2.0`, program: "gcc-14", packaged };
    const place = await openRoot(compiler, {
      suite: undefined,
      forceCompiler: false,
      cache: archive.cache,
      progress: (line) => void said.push(line),
      ...options,
    });
    place.release();
    return place.identity;
  }
  const roots = (): string => join(archive.cache, "roots");
  const inRoot = (name: string): string => join(roots(), name);

  it("is made once, from the suite that has exactly the compiler", async () => {
    archive.offer("own", { bookworm: "12.2.0-14", trixie: "14.2.0-19" });
    expect(await open("14.2.0-19")).toBe("root trixie_gcc-14_14.2.0-19");
    const [made = "", ...sources] = archive.asked();
    expect(made).toMatch(/^mmdebstrap trixie --variant=extract .*--include=gcc-14=14\.2\.0-19,bash,/);
    expect(made).toContain('--aptopt=Acquire::http::Proxy "http://proxy:1";');
    expect(sources).toEqual(expect.arrayContaining(["  Suites: trixie", "  Signed-By: /keys/debian.gpg"]));
    const root = join(inRoot("trixie_gcc-14_14.2.0-19"), "root");
    expect(readdirSync(root).sort()).toEqual(["etc", "usr"]);
    expect(readdirSync(join(root, "usr/share"))).toEqual([]);
    expect(readlinkSync(join(root, "usr/bin/awk"))).toBe("mawk");
    said.length = 0;
    await open("14.2.0-19");
    await open("14.2.0-19", { suite: "trixie" });
    expect([archive.asked(), said]).toEqual([[], []]);
  });

  it("comes from another suite of the same archive if the machine's own have no such compiler", async () => {
    archive.offer("own", { bookworm: "12.2.0-14" });
    archive.offer("other", { trixie: "14.2.0-19", sid: "14.4.0-3" });
    expect(await open("14.2.0-19")).toBe("root trixie_gcc-14_14.2.0-19");
    const [read, , ...sources] = archive.asked();
    expect(read).toBe("apt-get update");
    expect(sources).toEqual([
      "  Types: deb",
      "  URIs: http://archive/debian",
      "  Suites: trixie",
      "  Components: main",
      "  Signed-By: /keys/debian.gpg",
    ]);
    expect(await open("14.4.0-3")).toBe("root sid_gcc-14_14.4.0-3");
    expect(archive.asked().filter((line) => line === "apt-get update")).toEqual([]); // the lists are still good
  });

  it("is not made if no suite has the compiler, unless a suite's own is good enough", async () => {
    archive.offer("own", { bookworm: "12.2.0-14" });
    archive.offer("other", { trixie: "14.2.0-20" });
    await expect(open("14.2.0-19")).rejects.toMatchObject({
      code: "unsupported",
      message:
        "no suite of Debian's archive has gcc-14 14.2.0-19: bookworm has 12.2.0-14, trixie has 14.2.0-20",
    });
    await expect(open("14.2.0-19", { suite: "trixie" })).rejects.toMatchObject({
      message: expect.stringMatching(/^the suite trixie does not have gcc-14 14\.2\.0-19/),
    });
    expect(archive.asked().filter((line) => line.startsWith("mmdebstrap"))).toEqual([]);
    const forced = { suite: "trixie", forceCompiler: true };
    expect(await open("14.2.0-19", forced)).toBe("root trixie_gcc-14_14.2.0-20");
    archive.offer("own", {});
    await expect(open("14.2.0-21")).rejects.toMatchObject({
      message: expect.stringMatching(/^apt has no archive of Debian among its sources/),
    });
  });

  it("is nothing if it could not be made, and is made again where it is half made or of other packages", async () => {
    archive.offer("own", { trixie: "14.2.0-19" });
    const folder = inRoot("trixie_gcc-14_14.2.0-19");
    archive.setBroken(true);
    await expect(open("14.2.0-19")).rejects.toMatchObject({
      code: "io",
      message: "mmdebstrap ended with exit code 25",
      output: ["E: no such package"],
    });
    expect(readdirSync(folder)).toEqual(["lock"]);
    archive.setBroken(false);
    await open("14.2.0-19");
    for (const damage of [
      () => rmSync(join(folder, "ready.json")),
      () => writeFileSync(join(folder, "ready.json"), '["gcc-14=14.2.0-19"]'),
    ]) {
      damage();
      writeFileSync(join(folder, "root/half"), "");
      archive.asked();
      await open("14.2.0-19");
      expect(archive.asked()[0]).toMatch(/^mmdebstrap trixie/);
      expect(existsSync(join(folder, "root/half"))).toBe(false);
    }
  });

  it("goes when three others were used later", async () => {
    for (const version of ["1", "2", "3", "4"]) {
      archive.offer("own", { trixie: version });
      await open(version);
    }
    const kept = readdirSync(roots()).filter((name) => existsSync(join(inRoot(name), "ready.json")));
    expect(kept.sort()).toEqual(["trixie_gcc-14_2", "trixie_gcc-14_3", "trixie_gcc-14_4"]);
  });
});
