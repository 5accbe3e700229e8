import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ABOUT, makePackage, output } from "./support.ts";

let dir: string;
let file: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-rpm-"));
  file = await makePackage(dir, "rpm");
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const query = (...args: readonly string[]) => output("rpm", ["-qp", ...args, file]);
const lines = async (...args: readonly string[]) => (await query(...args)).trimEnd().split("\n");

/** Files by path: mode in octal, owner, group, flags, time and where a link leads. */
async function files() {
  const format =
    "[%{FILENAMES}\\t%{FILEMODES:octal}\\t%{FILEUSERNAME}\\t%{FILEGROUPNAME}\\t%{FILEFLAGS:fflags}\\t%{FILEMTIMES}\\t%{FILELINKTOS}\\n]";
  const rows = (await query("--queryformat", format)).trimEnd().split("\n");
  return new Map(rows.map((row) => [row.split("\t")[0], row.split("\t").slice(1)]));
}

describe("the .rpm, as rpm reads it", () => {
  it("has the digests of its header and of its payload", async () => {
    const said = await output("rpm", ["-K", "-v", file]);
    expect(said).toMatch(/Header SHA256 digest: OK/);
    expect(said).toMatch(/Payload SHA256 digest: OK/);
  });

  it("says what it is and what it needs", async () => {
    const format = "%{NAME} %{VERSION} %{RELEASE} %{LICENSE} %{ARCH} %{BUILDTIME} %{BUILDHOST}";
    expect(await query("--queryformat", format)).toBe(
      `rebootless 0.1.0 1 MIT noarch ${ABOUT.seconds} localhost`,
    );
    const needs = (await lines("--requires")).filter((line) => !line.startsWith("rpmlib("));
    expect([...new Set(needs)].sort()).toEqual(["/bin/sh", "/usr/bin/flock", "kmod", "nodejs >= 20.11"]);
  });

  it("holds root's files alone, with one time", async () => {
    for (const [, owner, group, , time] of (await files()).values()) {
      expect([owner, group, time]).toEqual(["root", "root", String(ABOUT.seconds)]);
    }
  });

  it("keeps modes, links, documents, and configuration that is not replaced", async () => {
    const found = await files();
    const of = (path: string) => {
      const [mode, , , flags, , link] = found.get(path) ?? [];
      return { mode, flags, link };
    };
    expect(of("/usr/lib/rebootless/rebootless.cjs")).toEqual({ mode: "100755", flags: "", link: "" });
    expect(of("/usr/lib/rebootless/rebootless-host.cjs")).toEqual({ mode: "100644", flags: "", link: "" });
    const link = { mode: "120777", flags: "", link: "../lib/rebootless/rebootless.cjs" };
    expect(of("/usr/bin/rebootless")).toEqual(link);
    expect(of("/etc/rebootless/rebootless.toml")).toEqual({ mode: "100644", flags: "cn", link: "" });
    expect(of("/etc/cron.d/rebootless")).toEqual({ mode: "100644", flags: "cn", link: "" });
    expect(of("/etc/rebootless")).toEqual({ mode: "40755", flags: "", link: "" });
    expect(of("/usr/share/man/man8/rebootless.8.gz")).toEqual({ mode: "100644", flags: "d", link: "" });
  });

  it("has the host's command and nothing of the publisher's", async () => {
    const paths = [...(await files()).keys()];
    expect(paths).toContain("/usr/lib/systemd/system/rebootless-boot.service");
    expect(paths).toContain("/usr/share/doc/rebootless/third-party-licenses");
    expect(paths.filter((path) => /publish|edge/.test(path ?? ""))).toEqual([]);
  });

  it("leaves the kernel alone when it is installed or removed", async () => {
    const scripts = await query("--scripts");
    expect(scripts.match(/^\w+ scriptlet \(using \/bin\/sh\):$/gm)?.sort()).toEqual([
      "postinstall scriptlet (using /bin/sh):",
      "postuninstall scriptlet (using /bin/sh):",
      "preuninstall scriptlet (using /bin/sh):",
    ]);
    const commands = scripts.replaceAll(/^\s*(?:#|echo ).*$/gm, "");
    expect(commands).toContain("systemctl");
    expect(commands).not.toMatch(
      /insmod|modprobe|depmod|rmmod|\/sys\/kernel|rebootless (?:upgrade|boot|undo)/,
    );
  });

  it("is the same bytes each time", async () => {
    const again = await makePackage(join(dir, "again"), "rpm");
    expect((await readFile(again)).equals(await readFile(file))).toBe(true);
  });
});
