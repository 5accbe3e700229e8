import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHeaders } from "../../../../publisher/create/source/headers.ts";
import { cli } from "../../commands/cli.ts";

const RELEASE = "6.1.0-57-cloud-amd64";
const FLAVOUR = `linux-headers-${RELEASE}`;
const COMMON = "linux-headers-6.1.0-57-common";

let dir: string;
let flavour: string;
let common: string;

/** A package as dpkg-deb makes it, with these files below usr/src. */
function debOf(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(dir, name);
  const control = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n";
  const all = Object.entries(files).map(([path, text]) => [`usr/src/${name}/${path}`, text] as const);
  for (const [path, text] of [["DEBIAN/control", control] as const, ...all]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  execFileSync("dpkg-deb", ["--root-owner-group", "--build", root, `${root}.deb`]);
  return `${root}.deb`;
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "rebootless-headers-"));
  flavour = debOf(FLAVOUR, {
    ".config": "CONFIG_X=y\n",
    "Module.symvers": "0x0\tx\tvmlinux\tEXPORT_SYMBOL\t\n",
    "include/generated/utsrelease.h": `#define UTS_RELEASE "${RELEASE}"\n`,
  });
  common = debOf(COMMON, { Makefile: "VERSION = 6\n" });
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("the headers of a Debian kernel", () => {
  const open = (...paths: readonly string[]) =>
    openHeaders(paths, join(dir, "cache")).then((found) => found.of(RELEASE));

  it("are found in both packages, whichever comes first", async () => {
    for (const paths of [
      [flavour, common],
      [common, flavour],
    ]) {
      const headers = await open(...paths);
      expect([headers.flavour, headers.common]).toEqual([
        expect.stringMatching(new RegExp(`/${FLAVOUR}$`)),
        expect.stringMatching(new RegExp(`/${COMMON}$`)),
      ]);
    }
  });

  it("need the flavour's own package", async () => {
    await expect(open(common)).rejects.toMatchObject({
      code: "usage",
      message: `${COMMON} is only the part that the headers of all flavours share`,
      hint: `Also give ${FLAVOUR}.`,
    });
  });

  it.each([
    ["as a shell's pattern gives them", () => ["--headers", flavour, common]],
    ["with the option repeated", () => ["--headers", common, "--headers", flavour]],
  ])("are taken from the command line %s", async (_, headers) => {
    const rest = ["--source", dir, "--image", dir, "--patch", join(dir, "not-there.patch")];
    const done = await cli(["create", ...headers(), ...rest, "--check"]);
    expect([done.code, done.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining("not-there.patch"),
    ]);
  });
});
