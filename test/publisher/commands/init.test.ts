import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRoot } from "../../../publisher/keys/root.ts";
import { roleOf } from "../../../shared/tuf/trusted_set.ts";
import { cli, mustCli } from "./cli.ts";

let work: string;
let dir: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-init-"));
  dir = join(work, "feed");
});
afterEach(() => rm(work, { recursive: true }));

const init = (...more: readonly string[]) => cli(["init", dir, "--no-passphrase", ...more]);

/** Every file, by its path. */
async function filesOf(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.sort().map(async (path) => [path, await readFile(path)] as const)));
}

describe("making a feed", () => {
  it("makes keys, a root and the edge's secrets, each secret for its owner alone", async () => {
    await mustCli(["init", dir, "--no-passphrase", "--keys", "2", "--threshold", "2"]);
    const all = [...(await filesOf(dir)).keys()].map((path) => path.slice(dir.length + 1));
    const files = all.filter((file) => !file.endsWith(".pub"));
    expect(files).toEqual([
      "edge.vars",
      "keys/root-1.json",
      "keys/root-2.json",
      "keys/snapshot-1.json",
      "keys/targets-1.json",
      "keys/targets-2.json",
      "keys/timestamp-1.json",
      "keys/token.json",
      "publisher.json",
      "root/1.root.json",
    ]);
    for (const name of files.filter((file) => file === "edge.vars" || file.startsWith("keys/"))) {
      expect((await stat(join(dir, name))).mode & 0o777, name).toBe(0o600);
    }
    for (const folder of [dir, join(dir, "keys")]) expect((await stat(folder)).mode & 0o077).toBe(0);
  });

  it("makes a root that its own keys sign, with the thresholds that were asked for", async () => {
    await mustCli(["init", dir, "--no-passphrase", "--keys", "4", "--threshold", "3"]);
    const root = await readRoot(await readFile(join(dir, "root", "1.root.json")));
    expect(root.version).toBe(1);
    for (const role of ["root", "targets"] as const) {
      expect(roleOf(root, role)).toMatchObject({ threshold: 3, keyIds: { length: 4 } });
    }
    for (const role of ["snapshot", "timestamp"] as const) {
      expect(roleOf(root, role)).toMatchObject({ threshold: 1, keyIds: { length: 1 } });
    }
    expect(new Set(root.keys.keys()).size).toBe(10);
  });

  it("shows no secret", async () => {
    const { stdout, stderr } = await init("--json");
    const secrets = [...(await filesOf(join(dir, "keys"))).values()].flatMap(
      (bytes) => /"seed":"([0-9a-f]{64})"/.exec(bytes.toString())?.[1] ?? [],
    );
    expect(secrets).toHaveLength(9);
    for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
  });

  it("refuses a threshold above the number of keys, and makes nothing", async () => {
    const { code, stderr } = await init("--keys", "2", "--threshold", "3");
    expect(code).toBe(2);
    expect(stderr).toContain("error: a threshold of 3 needs at least 3 keys");
    expect(await readdir(work)).toEqual([]);
  });

  it.each([["0"], ["-1"], ["1.5"], ["100"], ["many"]])("refuses %s keys", async (count) => {
    expect((await init("--keys", count)).code).toBe(2);
    expect(await readdir(work)).toEqual([]);
  });

  it("refuses a folder that has a feed, and touches none of it", async () => {
    await init();
    const before = await filesOf(dir);
    const { code, stderr } = await init();
    expect(code).toBe(2);
    expect(stderr).toContain("hint: Keys are never overwritten");
    expect(await filesOf(dir)).toEqual(before);
  });

  it("refuses to write over a key that lies there alone", async () => {
    await mkdir(join(dir, "keys"), { recursive: true });
    await writeFile(join(dir, "keys", "token.json"), "precious");
    expect((await init()).code).toBe(2);
    expect(await readFile(join(dir, "keys", "token.json"), "utf8")).toBe("precious");
  });

  it("refuses a path that is a file", async () => {
    await writeFile(dir, "a file");
    expect((await init()).code).toBe(2);
    expect(await readFile(dir, "utf8")).toBe("a file");
  });
});
