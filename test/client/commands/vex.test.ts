import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { ID, RELEASE, SmallHost } from "./small_host.ts";

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
  await host.configure(`feed = "${await host.serveFeed(await host.feedJson(sampleUpdate("fix-1")))}"`);
});
afterEach(() => host.remove());

const apply = () =>
  host.system.patches.set("livepatch_fix_1", { enabled: true, left: 0, functions: host.system.functions });

describe("vex", () => {
  it("states what the running kernel is affected by, and what is fixed in it", async () => {
    await host.run("check");
    const before = await host.run("vex");
    expect(before).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(before.stdout)).toMatchObject({
      "@context": "https://openvex.dev/ns/v0.2.0",
      timestamp: "2036-06-01T00:00:00Z",
      tooling: "rebootless 1.2.3",
      statements: [{ vulnerability: { name: "CVE-2026-12345" }, status: "affected" }],
    });
    apply();
    const { statements, ...heading } = JSON.parse((await host.run("vex")).stdout);
    expect(statements[0]).toMatchObject({ status: "fixed", status_notes: "Fixed in memory by fix-1." });
    expect(statements[0].products[0]["@id"]).toContain(`build_id=${ID}`);
    expect(heading["@id"]).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(heading["@id"]).not.toBe(JSON.parse(before.stdout)["@id"]);
  });

  it("is the same document for the same state at the same time, and one member of --json", async () => {
    await host.run("check");
    const { stdout } = await host.run("vex");
    expect((await host.run("vex")).stdout).toBe(stdout);
    const said = JSON.parse((await host.run("vex", "--json")).stdout);
    expect(said).toMatchObject({ schema: 1, command: "vex", document: JSON.parse(stdout) });
  });

  it("names the kernel as its distribution does, and who answers for it, without being told", async () => {
    const banner = `Linux version ${RELEASE} (debian-kernel@lists.debian.org) (gcc) #1 SMP Debian 6.1.1-1 (2036-01-01)`;
    host.system.files.set("/proc/version", banner).set("/etc/os-release", "ID=debian");
    await host.run("check");
    const own = `pkg:deb/debian/linux-image-${RELEASE}@6.1.1-1?arch=amd64`;
    const author = "mailto:security@example.org";
    const said = await host.run(
      "vex",
      "--set",
      `vex_author=${author}`,
      "--product",
      own,
      "--product",
      "pkg:generic/a",
    );
    const document = JSON.parse(said.stdout);
    expect(document.author).toBe(author);
    const names = document.statements[0].products.map((product: { "@id": string }) => product["@id"]);
    expect(names).toEqual([expect.stringContaining(`build_id=${ID}`), own, "pkg:generic/a"]);
    expect(JSON.parse((await host.run("vex")).stdout).author).toBe("rebootless");
  });

  it("goes to a file, and names the kernel as others do", async () => {
    await host.run("check");
    const purl = "pkg:deb/debian/linux-image-6.1.0-57-test@6.1.1-1";
    const file = join(host.dir, "out/kernel.vex.json");
    const { code, stderr } = await host.run("vex", "-o", file);
    expect([code, stderr.split("\n")[0]]).toEqual([
      2,
      `error: cannot write ${file}: ${host.dir}/out is not there`,
    ]);
    await mkdir(join(host.dir, "out"));
    expect(await host.run("vex", "--product", purl, "-o", file)).toEqual({ code: 0, stdout: "", stderr: "" });
    const [{ products }] = JSON.parse(await readFile(file, "utf8")).statements;
    expect(products[1]).toEqual({ "@id": purl, identifiers: { purl } });
    expect(await readdir(join(host.dir, "out"))).toEqual(["kernel.vex.json"]);
  });

  it("needs something to state, and leaves no file where there is nothing", async () => {
    const file = join(host.dir, "kernel.vex.json");
    expect(await host.run("vex", "-o", file)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("rebootless check"),
    });
    const bare = { ...sampleUpdate("fix-2"), cves: [] };
    await host.configure(`feed = "${await host.folder("bare", await host.feedJson(bare))}"`);
    await host.run("check");
    expect(await host.run("vex", "-o", file)).toMatchObject({ code: 5, stdout: "" });
    expect(await host.run("vex", "--product", "linux")).toMatchObject({ code: 2 });
    expect(await readdir(host.dir)).not.toContain("kernel.vex.json");
  });
});
