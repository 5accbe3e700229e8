import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../node/crypto.ts";
import { artifactPath, feedPath, metadataPath } from "../../shared/feed/paths.ts";
import { DAY, SECOND } from "../../shared/time.ts";
import { randomFrom } from "../proof/guest/random.ts";
import { filesBelow, kernelId, moduleOf, Site } from "./site.ts";

const [A, B] = [kernelId(1), kernelId(2)];
let site: Site;
let sound: string;
let mirror: string;
let count = 0;
beforeAll(async () => {
  site = await Site.open();
  sound = site.path("sound");
  await site.publish(A, { updates: ["fix-a"] });
  await site.publish(B, { updates: ["fix-b"] });
  await sync(sound);
  await site.publish(A, { updates: ["fix-c"] });
  await sync(sound);
});
afterAll(() => site.close());
beforeEach(async () => {
  mirror = site.path(`mirror-${count++}`);
  await cp(sound, mirror, { recursive: true });
});

const sync = (dir: string) =>
  site.json(0, "mirror", "sync", site.url, dir, "--root", site.path("root.json"), "--all");
const verify = (code: number) => site.json(code, "mirror", "verify", mirror);
const faultsOf = async () =>
  (await verify(4))["faults"] as unknown as readonly { path: string; problem: string }[];

async function spoil(path: string, at = 0.5): Promise<void> {
  const bytes = await readFile(join(mirror, path));
  const place = Math.floor(at * bytes.length);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  await rm(join(mirror, path)); // roots are one file under many names
  await writeFile(join(mirror, path), bytes);
}

describe("rebootless mirror verify", () => {
  it("finds nothing wrong with what a sync leaves, old versions included", async () => {
    expect(await verify(0)).toMatchObject({ kernels: 2, faults: [], expired: [] });
  });

  it("finds every file that was changed, wherever, and the next sync puts it right", async () => {
    const random = randomFrom(8);
    const before = await filesBelow(mirror);
    const artifact = artifactPath(sha256Of(moduleOf("fix-a")));
    const old = [`${metadataPath(A)}/1.targets.json`, `${metadataPath(A)}/1.snapshot.json`, artifact];
    for (const path of before.keys()) {
      await spoil(path, random());
      expect(await faultsOf()).toContainEqual(expect.objectContaining({ path, problem: "damaged" }));
      await sync(mirror);
      expect((await verify(0))["faults"], path).toEqual([]);
      const now = await filesBelow(mirror);
      const gone = [...before.keys()].filter((one) => !now.has(one));
      // What was no longer in force and is damaged is of use to nobody.
      if (gone.length > 0)
        expect([...old, expect.stringContaining("/targets/kernels/")]).toContainEqual(gone[0]);
      for (const [one, bytes] of now) expect(bytes, one).toEqual(before.get(one));
      for (const one of gone) await writeFile(join(mirror, one), before.get(one) ?? "");
    }
    expect(before.size).toBeGreaterThan(18);
  });

  it("names what is missing and what does not belong, and the next sync puts it right", async () => {
    const missing = [
      feedPath(A),
      `${metadataPath(B)}/1.root.json`,
      artifactPath(sha256Of(moduleOf("fix-b"))),
    ];
    for (const path of missing) await rm(join(mirror, path));
    const foreign = ["artifacts/readme", `${metadataPath(B)}/notes.txt`, "root/x"];
    for (const path of foreign) {
      await mkdir(dirname(join(mirror, path)), { recursive: true });
      await writeFile(join(mirror, path), "");
    }
    const faults = await faultsOf();
    for (const path of missing)
      expect(faults).toContainEqual(expect.objectContaining({ path, problem: "missing" }));
    for (const path of foreign)
      expect(faults).toContainEqual(expect.objectContaining({ path, problem: "foreign" }));
    await sync(mirror);
    expect(await filesBelow(mirror)).toEqual(await filesBelow(sound));
  });

  it("names links, pipes and folders where a file should be, and the next sync puts that right alone", async () => {
    const outside = site.path("outside");
    await mkdir(outside);
    await writeFile(join(outside, "kept"), "x");
    const [metadata, feed, artifact] = [
      metadataPath(A),
      feedPath(B),
      artifactPath(sha256Of(moduleOf("fix-b"))),
    ];
    for (const path of [metadata, feed, artifact]) await rm(join(mirror, path), { recursive: true });
    await symlink(outside, join(mirror, metadata));
    await mkdir(join(mirror, feed));
    execFileSync("mkfifo", [join(mirror, artifact)]);
    await symlink(outside, join(mirror, "kernels", kernelId(7)));
    const faults = await faultsOf();
    for (const path of [metadata, feed, artifact, `kernels/${kernelId(7)}`]) {
      expect(faults).toContainEqual(expect.objectContaining({ path }));
    }
    await sync(mirror);
    expect((await verify(0))["faults"]).toEqual([]);
    for (const [path, bytes] of await filesBelow(mirror)) {
      expect(bytes, path).toEqual((await filesBelow(sound)).get(path));
    }
    expect(await readdir(outside)).toEqual(["kept"]);
    await rm(join(mirror, "artifacts"), { recursive: true });
    await symlink(outside, join(mirror, "artifacts"));
    expect(await site.run("mirror", "verify", mirror)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("artifacts is a link"),
    });
  });

  it("tells what has expired from what is damaged, and wants a mirror", async () => {
    site.pass(30 * DAY);
    const { expired, faults } = await verify(8);
    site.pass(-30 * DAY);
    expect([expired, faults]).toEqual([[A, B], []]);
    expect(await site.run("mirror", "verify", site.dir)).toMatchObject({ code: 2 });
    await rm(join(mirror, "kernels"), { recursive: true });
    expect((await faultsOf()).map(({ path }) => path)).toEqual(["kernels/index.json"]);
  });

  it("judges the end of targets and of the timestamp, to the second", async () => {
    const [C, D] = [kernelId(3), kernelId(4)];
    await site.publish(C, { life: 2 * DAY });
    await site.publish(D);
    mirror = site.path("ends");
    await sync(mirror);
    const expiredAfter = async (milliseconds: number) => {
      site.pass(milliseconds);
      const { expired } = await verify(milliseconds < 2 * DAY ? 0 : 8);
      site.pass(-milliseconds);
      return expired;
    };
    expect(await expiredAfter(2 * DAY - SECOND)).toEqual([]);
    expect(await expiredAfter(2 * DAY)).toEqual([C]); // targets
    expect(await expiredAfter(7 * DAY - SECOND)).toEqual([C]);
    expect(await expiredAfter(7 * DAY)).toEqual([A, B, C, D]); // timestamp
  });
});
