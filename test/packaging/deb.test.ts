import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ABOUT, makePackage, output } from "./support.ts";

let dir: string;
let file: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-deb-"));
  file = await makePackage(dir, "deb");
  await output("dpkg-deb", ["--raw-extract", file, join(dir, "x")]);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const control = (name: string) => readFile(join(dir, "x/DEBIAN", name), "utf8");

describe("the .deb, as dpkg-deb reads it", () => {
  it("says what it is and what it needs", async () => {
    const fields = await output("dpkg-deb", ["--field", file]);
    expect(fields).toMatch(/^Package: rebootless\nVersion: 0\.1\.0\nArchitecture: all$/m);
    expect(fields).toContain("\nDepends: nodejs (>= 20.11), kmod | busybox, util-linux\n");
    expect(Number(/^Installed-Size: (\d+)$/m.exec(fields)?.[1])).toBeGreaterThan(100);
  });

  it("holds root's files alone, with the modes that they need and one time", async () => {
    const lines = (await output("dpkg-deb", ["--contents", file])).trimEnd().split("\n");
    const time = new Date(ABOUT.seconds * 1000).toISOString().slice(0, 10);
    const plain = new RegExp(`^(?:drwxr-xr-x|-rw[-x]r-[-x]r-[-x]|lrwxrwxrwx) root/root +\\d+ ${time} `);
    for (const line of lines) expect(line).toMatch(plain);
    const modeOf = (path: string) => lines.find((line) => line.includes(` ./${path}`))?.slice(0, 10);
    expect(modeOf("usr/lib/rebootless/rebootless.cjs")).toBe("-rwxr-xr-x");
    expect(modeOf("etc/rebootless/rebootless.toml")).toBe("-rw-r--r--");
    expect(
      lines.some((line) => line.endsWith("./usr/bin/rebootless -> ../lib/rebootless/rebootless.cjs")),
    ).toBe(true);
  });

  it("has the sums of its files, and its configuration is the administrator's", async () => {
    await writeFile(join(dir, "sums"), await control("md5sums"));
    await output("md5sum", ["--check", "--strict", "--quiet", join(dir, "sums")], { cwd: join(dir, "x") });
    expect(await control("md5sums")).toContain("  usr/lib/rebootless/rebootless.cjs\n");
    expect(await control("conffiles")).toBe("/etc/rebootless/rebootless.toml\n/etc/cron.d/rebootless\n");
  });

  it.each(["postinst", "prerm", "postrm"])(
    "has a %s that is sound and leaves the kernel alone",
    async (name) => {
      await output("sh", ["-n", join(dir, "x/DEBIAN", name)]);
      const script = await control(name);
      expect(script).toMatch(/^#!\/bin\/sh\n/);
      const commands = script.replaceAll(/^\s*(?:#|echo ).*$/gm, "");
      expect(commands).not.toMatch(
        /insmod|modprobe|depmod|rmmod|\/sys\/kernel|rebootless (?:upgrade|boot|undo)/,
      );
    },
  );

  it("installs what it bundles with its licences", async () => {
    const licenses = await readFile(join(dir, "x/usr/share/doc/rebootless/third-party-licenses"), "utf8");
    for (const name of [
      "commander",
      "node-fetch",
      "data-uri-to-buffer",
      "smol-toml",
      "tweetnacl",
      "fzstd",
      "uqr",
    ]) {
      expect(licenses.match(new RegExp(`^${name} \\d`, "gm"))).toHaveLength(1);
    }
  });

  it("is the same bytes each time, and others for another time", async () => {
    const again = async (folder: string, about = ABOUT) =>
      (await readFile(await makePackage(join(dir, folder), "deb", about))).equals(await readFile(file));
    expect(await again("same")).toBe(true);
    expect(await again("later", { ...ABOUT, seconds: ABOUT.seconds + 1 })).toBe(false);
  });
});
