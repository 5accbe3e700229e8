import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildId } from "../../../shared/brand.ts";
import { formatInventory } from "../../../shared/inventory.ts";
import { BUILD_ID, buildKernelElf } from "../../support/kernel_builder.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";

/** Made by dpkg-deb, around a small kernel. */
describe("rebootless-publish kernels, with a folder of packages", { timeout: 60_000 }, () => {
  let folder = "";
  let list = "";
  let packages = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rebootless-kernels-"));
    list = join(folder, "kernels.toml");
    packages = join(folder, "packages");
    mkdirSync(packages);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function deb(name: string, version: string, files: Readonly<Record<string, string | Uint8Array>>): string {
    const root = mkdtempSync(join(folder, "root-"));
    mkdirSync(join(root, "DEBIAN"));
    const control = [`Package: ${name}`, `Version: ${version}`, "Architecture: amd64"];
    const about = ["Maintainer: nobody <nobody@example.org>", "Description: a test", ""];
    writeFileSync(join(root, "DEBIAN/control"), [...control, ...about].join("\n"));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(root, path, ".."), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const file = join(packages, `${name}_${version}_amd64.deb`);
    execFileSync("dpkg-deb", ["--build", "--root-owner-group", "-Zgzip", root, file], { stdio: "ignore" });
    return file;
  }
  /** @param release ten characters. */
  function image(release: string, version: string): string {
    const elf = Buffer.from(buildKernelElf()).toString("latin1").replaceAll("6.1.0-test", release);
    return deb(`linux-image-${release}`, version, {
      [`boot/vmlinuz-${release}`]: Buffer.from(elf, "latin1"),
    });
  }
  const kernels = (...args: readonly string[]) => cli(["kernels", ...args, "--file", list]);
  const sync = () => kernels("sync", "--package-cache", join(folder, "cache"));
  const listed = async (): Promise<readonly Record<string, unknown>[]> =>
    jsonOf<{ kernels: Record<string, unknown>[] }>(
      await mustCli(["--json", "kernels", "list", "--file", list]),
    ).kernels;

  it("finds kernels, their headers and the source of the very same version", async () => {
    image("6.1.0-test", "6.1.99-1");
    deb("linux-source-6.1", "6.1.99-1", { "usr/src/x": "" });
    image("6.1.0-9-rt", "6.1.99-1");
    await mustCli(["kernels", "add", "ours", "--folder", packages, "--flavour", "test", "--file", list]);
    expect(await sync()).toMatchObject({ code: 0, stdout: "ours: 1 kernel, 1 new\n" });
    const [only, ...others] = await listed();
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      release: "6.1.0-test",
      build_id: BUILD_ID,
      archive: "ours",
      purl: `pkg:generic/linux@6.1.0-test?arch=x86_64&build_id=${BUILD_ID}`,
      image: { version: "6.1.99-1" },
      source: { package: "linux-source-6.1", version: "6.1.99-1" },
    });
    expect(only?.["headers"]).toBeUndefined();
    expect((await kernels("list")).stdout).toMatch(/ no headers\n1 kernel\n$/);
  });

  it("reads a kernel once, and goes on serving one that is not offered any more", async () => {
    const file = image("6.1.0-test", "6.1.99-1");
    await mustCli(["kernels", "add", "ours", "--folder", packages, "--file", list]);
    await sync();
    const again = await sync();
    expect(again).toMatchObject({ code: 0, stdout: "ours: 1 kernel, 0 new\n", stderr: "" });
    rmSync(file);
    expect((await sync()).stdout).toMatch(
      /^ours: 0 kernels, 0 new\n {2}not offered any more: 6\.1\.0-test 6\.1\.99-1\n$/,
    );
    expect(await listed()).toHaveLength(1);
  });

  it("tells of a package that cannot be read, and has the others all the same", async () => {
    image("6.1.0-test", "6.1.99-1");
    deb("linux-image-6.1.0-8-amd64", "6.1.98-1", { "boot/vmlinuz-6.1.0-8-amd64": "no kernel" });
    await mustCli(["kernels", "add", "ours", "--folder", packages, "--file", list]);
    const synced = await sync();
    expect(synced.code).not.toBe(0);
    expect(synced.stderr).toMatch(/^error: not read: 1 kernel\n6\.1\.0-8-amd64 6\.1\.98-1: /m);
    expect(await listed()).toHaveLength(1);
  });

  it("does not bring back what was removed", async () => {
    image("6.1.0-test", "6.1.99-1");
    await mustCli(["kernels", "add", "ours", "--folder", packages, "--file", list]);
    await sync();
    await mustCli(["kernels", "remove", BUILD_ID.slice(0, 12), "--file", list]);
    expect(await listed()).toEqual([]);
    expect(readFileSync(list, "utf8")).toContain('except = ["6.1.0-test"]');
    await mustCli(["kernels", "remove", "ours", "--file", list]);
    expect(readFileSync(list, "utf8")).not.toContain("[[archive]]\n");
    expect(await sync()).toMatchObject({ code: 2 });
  });

  it("takes releases from hosts' inventories, each once", async () => {
    const host = { buildId: buildId(BUILD_ID), modules: [], applied: [] };
    const lines = ["6.1.0-9-amd64", "6.1.0-8-amd64", "6.1.0-9-amd64"].map((release) =>
      formatInventory({ ...host, release }),
    );
    const file = join(folder, "inventory.txt");
    writeFileSync(file, `${lines.join("\n")}\n`);
    await mustCli(["kernels", "add", "fleet", "--inventory", file, "--file", list]);
    expect(readFileSync(list, "utf8")).toContain('releases = ["6.1.0-8-amd64", "6.1.0-9-amd64"]');
    writeFileSync(file, `${lines[0]}\n${lines[1]?.replace("6.1", "6.2")}\n`);
    const damaged = await kernels("add", "more", "--inventory", file);
    expect(damaged).toMatchObject({ code: 2 });
    expect(damaged.stderr).toContain("line 2 of ");
  });

  it.each([
    [["add", "../x"], /is no name of an archive/],
    [["add", "x", "--folder", "a", "--suite", "b"], /--suite and --folder exclude each other/],
    [["sync"], /has no archive\nhint: Add one: kernels add NAME\./],
    [["remove", "x"], /has no archive and no kernel x/],
    [["list", "6.*"], /has no kernel 6\.\*/],
  ])("refuses %j", async (args, problem) => {
    const { code, stderr } = await kernels(...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(problem)]);
    expect(readdirSync(folder)).toEqual(["packages"]);
  });
});
