import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { leadersFirst } from "../../../publisher/commands/create_kernels.ts";
import { kernelsText, parseKernels } from "../../../publisher/kernels/kernels_file.ts";
import type { PackageFile, ServedKernel } from "../../../publisher/kernels/served_kernel.ts";
import { buildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { cli, jsonOf } from "./cli.ts";

const PATCH = `--- a/fs/file.c
+++ b/fs/file.c
@@ -1 +1 @@
-int a;
+int b;
`;

/** Stands in for `create` of one kernel: what it does is decided by the name of the image. */
const PROGRAM = `
const { appendFileSync, mkdirSync, writeFileSync } = require("node:fs");
const { basename, join } = require("node:path");
const args = process.argv.slice(2);
const after = (name) => args[args.indexOf(name) + 1];
const image = basename(after("--image"));
appendFileSync(process.env.TMPDIR + "/asked", args.map((one) => basename(one)).join(" ") + "\\n");
const end = (code, answer) => { console.log(JSON.stringify(answer)); process.exit(code); };
const report = () => {
  if (!args.includes("--output")) return;
  mkdirSync(after("--output"));
  writeFileSync(join(after("--output"), "report.json"), "{}");
};
if (image.includes("-in")) end(2, { outcome: "already_in", error: { message: "in" } });
if (image.includes("-other")) end(2, { outcome: "does_not_apply", error: { message: "other" } });
if (image.includes("-no")) { report(); end(16, { outcome: "refused", error: { message: "no" } }); }
if (image.includes("-killed")) process.kill(process.pid, "SIGKILL");
else { report(); end(0, { outcome: "made", id: "fix" }); }
`;

describe("create for kernels of the list", { timeout: 60_000 }, () => {
  let folder = "";
  let temporary: string | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rebootless-many-"));
    mkdirSync(join(folder, "packages"));
    writeFileSync(join(folder, "create.cjs"), PROGRAM);
    writeFileSync(join(folder, "fix.patch"), PATCH);
    temporary = process.env["TMPDIR"];
    process.env["TMPDIR"] = folder;
  });
  afterEach(() => {
    if (temporary === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = temporary;
    rmSync(folder, { recursive: true, force: true });
  });

  function file(name: string): PackageFile {
    const path = `linux-${name}.deb`;
    writeFileSync(join(folder, "packages", path), name);
    const sha256 = sha256Of(utf8(name));
    return { package: `linux-${name}`, version: "6.1.99-1", file: path, bytes: name.length, sha256 };
  }
  let count = 0;
  function kernel(name: string, more: Partial<ServedKernel> = {}): ServedKernel {
    count += 1;
    return {
      release: `6.1.0-${name}`,
      buildId: buildId(count.toString(16).padStart(2, "0").repeat(20)),
      archive: "ours",
      distribution: undefined,
      purl: "pkg:generic/linux",
      compiler: undefined,
      image: file(`image-${name}`),
      modules: [],
      headers: file(`headers-${name}`),
      source: file("source-6.1"),
      ...more,
    };
  }
  function serve(...kernels: readonly ServedKernel[]): void {
    const head = `[[archive]]\nname = "ours"\nfolder = "${join(folder, "packages")}"\n`;
    const text = kernelsText({ ...parseKernels(head, "kernels.toml"), kernels }, "kernels.toml");
    writeFileSync(join(folder, "kernels.toml"), text);
  }
  const create = (...words: readonly string[]) =>
    cli(
      [
        ...["--json", "create", "--patch", join(folder, "fix.patch"), "--kernels", "6.1.*"],
        ...["--kernels-file", join(folder, "kernels.toml"), "--package-cache", join(folder, "cache")],
        ...["--cache", join(folder, "objects"), ...words],
      ],
      { self: [process.execPath, join(folder, "create.cjs")] },
    );
  const make = (...words: readonly string[]) => create("-o", join(folder, "out"), ...words);
  const outcomes = (outcome: Awaited<ReturnType<typeof create>>): readonly string[] =>
    jsonOf<{ kernels: { release: string; outcome: string }[] }>(outcome).kernels.map(
      (row) => `${row.release.slice("6.1.0-".length)} ${row.outcome}`,
    );
  function asked(): readonly string[] {
    const path = join(folder, "asked");
    const lines = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
    rmSync(path, { force: true });
    return lines;
  }

  it("runs once for each kernel, with its own packages and with the same options", async () => {
    serve(kernel("1-amd64", { modules: [file("modules-1")] }), kernel("2-amd64"));
    const made = await make("--fuzz", "-j", "1");
    expect(made.code, made.stderr).toBe(0);
    expect(outcomes(made)).toEqual(["1-amd64 made", "2-amd64 made"]);
    expect(asked()[0]).toMatch(
      /^create --json --quiet --patch fix\.patch --fuzz --cache objects --jobs 1 --image linux-image-1-amd64\.deb --modules linux-modules-1\.deb --headers linux-headers-1-amd64\.deb --source linux-source-6\.1\.deb --output \.6\.1\.0-1-amd64_\w{8}$/,
    );
    const [first] = jsonOf<{ kernels: { folder: string }[] }>(made).kernels;
    expect(readFileSync(join(first?.folder ?? "", "report.json"), "utf8")).toBe("{}");
  });

  it("tells every outcome, and ends with the worst", async () => {
    const lacks = { headers: undefined, source: undefined };
    serve(...["1-amd64", "in", "other", "no"].map((name) => kernel(name)), kernel("lone", lacks));
    const made = await make();
    expect(outcomes(made)).toEqual([
      "1-amd64 made",
      "in already_in",
      "lone not_built",
      "no refused",
      "other does_not_apply",
    ]);
    expect(made.code).toBe(16);
    expect(asked()).toHaveLength(4);
  });

  it("goes on where an earlier run of the same patches was, and tries again what failed", async () => {
    serve(kernel("1-amd64"), kernel("killed"), kernel("no"));
    expect((await make()).code).toBe(128);
    expect(asked()).toHaveLength(3);
    const again = await make();
    expect(outcomes(again)).toEqual(["1-amd64 made", "killed failed", "no refused"]);
    expect(asked().map((line) => /image-(\S+)\.deb/.exec(line)?.[1])).toEqual(["killed"]);
    writeFileSync(join(folder, "fix.patch"), PATCH.replace("int b", "int c"));
    const other = await make();
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("has updates of other patches")]);
    expect(asked()).toEqual([]);
  });

  it("writes nothing with --check", async () => {
    serve(kernel("1-amd64"));
    const checked = await create("--check");
    expect([checked.code, outcomes(checked)]).toEqual([0, ["1-amd64 made"]]);
    expect(existsSync(join(folder, "out"))).toBe(false);
    expect(asked()[0]).not.toContain("--output");
  });

  it.each([
    [["--check", "--source", "x"], /--kernels and --source exclude each other/],
    [[], /no output folder is given/],
    [["--check", "--kernels", "7.*"], /has no kernel 7\.\*/],
    [["--check", "--patch", "nothing.patch"], /nothing\.patch/],
  ])("refuses %j", async (words, problem) => {
    serve(kernel("1-amd64"));
    const { code, stderr } = await create(...words);
    expect([code, stderr]).toEqual([2, expect.stringMatching(problem)]);
    expect(asked()).toEqual([]);
  });

  it("begins with one kernel of each source", () => {
    const other = { source: file("source-6.12") };
    const [a, b, c, d] = [kernel("a"), kernel("b"), kernel("c", other), kernel("d", other)];
    expect(leadersFirst([a, b, c, d])).toEqual([a, c, b, d]);
  });
});
