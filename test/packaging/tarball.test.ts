import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makePackage, output } from "./support.ts";

let dir: string;
let file: string;
let folder: string;
let root: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-tarball-"));
  file = await makePackage(dir, "tarball");
  await output("tar", ["xzf", file], { cwd: dir });
  folder = join(dir, "rebootless-0.1.0");
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(async () => {
  root = await mkdtemp(join(dir, "root-"));
});

/** Runs the script with busybox's shell and busybox's commands alone, as a small host has them. */
async function install(args: readonly string[] = [], env: Record<string, string> = {}): Promise<string> {
  const tools = join(dir, "busybox");
  await mkdir(tools, { recursive: true });
  await output("busybox", ["--install", "-s", tools]);
  const own = { PATH: tools, DESTDIR: root, ...env };
  const script = [join(folder, "install.sh"), ...args];
  return await output("busybox", ["sh", "-c", 'umask 077; exec sh "$@"', "sh", ...script], {
    cwd: "/",
    env: own,
  });
}

const below = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length))
    .sort();

describe("the tarball, with the shell of busybox", () => {
  it("installs below PREFIX in DESTDIR and nowhere else", async () => {
    expect(await install()).toContain(`Installed below ${root}/usr/local.`);
    const files = await below(root);
    expect(files).toEqual(
      expect.arrayContaining(["/etc/rebootless/rebootless.toml", "/usr/local/bin/rebootless"]),
    );
    expect(files.filter((file) => !/^\/(?:usr\/local\/|etc\/rebootless\/)/.test(file))).toEqual([]);
    expect(await realpath(join(root, "usr/local/bin/rebootless-publish"))).toBe(
      join(await realpath(root), "usr/local/lib/rebootless/rebootless-publish.cjs"),
    );
    expect((await stat(join(root, "usr/local/lib/rebootless/rebootless.cjs"))).mode & 0o777).toBe(0o755);
    expect((await stat(join(root, "usr/local/share/man/man8/rebootless.8"))).mode & 0o777).toBe(0o644);
  });

  it("is for everybody, though root has an umask of 077", async () => {
    await install();
    const hidden = ["!", "-perm", "-o+r", "-o", "-type", "d", "!", "-perm", "-o+x"];
    expect(await output("find", [join(root, "usr"), join(root, "etc"), ...hidden])).toBe("");
  });

  it("runs from where it was put", async () => {
    await install();
    for (const command of ["rebootless", "rebootless-publish"]) {
      expect(await output(join(root, "usr/local/bin", command), ["--version"])).toBe("0.1.0\n");
    }
  });

  it("brings the edge that `rebootless-publish serve` and `check-vars` load, found through the link in bin", async () => {
    await install();
    const vars = join(root, "edge.vars");
    await writeFile(vars, "FEED_AUDIENCE='feed.test'\n");
    const checked = output(join(root, "usr/local/bin/rebootless-publish"), ["check-vars", vars]);
    await expect(checked).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("TRUSTED_ROOT") });
  });

  it("writes units and the cron file for its own PREFIX", async () => {
    await mkdir(join(root, "etc/cron.d"), { recursive: true });
    await install([], { PREFIX: "/opt/rebootless" });
    const unit = await readFile(join(root, "opt/rebootless/lib/systemd/system/rebootless.service"), "utf8");
    expect(unit).toContain("\nExecStart=/opt/rebootless/bin/rebootless ");
    const cron = await readFile(join(root, "etc/cron.d/rebootless"), "utf8");
    expect(cron).toContain("/opt/rebootless/bin/rebootless --quiet boot\n");
    expect(unit + cron).not.toContain("/usr/bin/rebootless");
  });

  it("keeps a configuration that is there, over updates and removals", async () => {
    await install();
    const config = join(root, "etc/rebootless/rebootless.toml");
    await writeFile(config, 'feed = "https://a.example/"\n');
    await install();
    expect(await readFile(config, "utf8")).toBe('feed = "https://a.example/"\n');
    await install(["uninstall"]);
    expect(await below(root)).toEqual(["/etc/rebootless/rebootless.toml"]);
  });

  it("leaves nothing behind when it is purged", async () => {
    await mkdir(join(root, "var/lib/rebootless/x"), { recursive: true });
    await mkdir(join(root, "etc/cron.d"), { recursive: true });
    await install();
    await install(["purge"]);
    expect(await below(root)).toEqual([]);
    expect(await readdir(join(root, "var/lib"))).toEqual([]);
    expect(await readdir(join(root, "usr/local/lib"))).not.toContain("rebootless");
  });

  it.each([
    ["a PREFIX that is no absolute path", [], { PREFIX: "usr" }],
    ["a PREFIX that a unit cannot hold", [], { PREFIX: "/opt/a|b" }],
    ["a word it does not know", ["remove"], {}],
  ] as const)("refuses %s and changes nothing", async (_, args, env) => {
    await expect(install(args, env)).rejects.toMatchObject({ code: 2 });
    expect(await below(root)).toEqual([]);
  });

  it("holds root's files alone, each for everybody", async () => {
    const lines = (await output("tar", ["tvzf", file])).trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) expect(line).toMatch(/^(?:drwxr-xr-x|-rw[-x]r-[-x]r-[-x]) root\/root /);
  });

  it("is the same bytes each time", async () => {
    const again = await makePackage(join(dir, "again"), "tarball");
    expect((await readFile(again)).equals(await readFile(file))).toBe(true);
  });
});
