import { readFileSync } from "node:fs";
import { chmod, chown, mkdtemp, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openArtifact } from "../../../client/trust/artifacts.ts";
import { type TrustDir, trustDir } from "../../../client/trust/trust_dir.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { buildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { artifactPath } from "../../../shared/feed/paths.ts";
import type { Artifact } from "../../../shared/feed/update.ts";
import { flipBit } from "../../support/hostile_mirror.ts";
import { MemoryFeed } from "../../support/memory_feed.ts";

const ID = buildId("0123456789abcdef0123456789abcdef01234567");
const MODULE = utf8("a module");

let work: string;
let artifact: Artifact;
let feed: MemoryFeed;
let directory: TrustDir;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-artifacts-"));
  artifact = { sha256: sha256Of(MODULE), length: MODULE.length };
});
afterAll(() => rm(work, { recursive: true }));
beforeEach(async () => {
  feed = new MemoryFeed();
  feed.files.set(artifactPath(artifact.sha256), MODULE);
  directory = trustDir(await mkdtemp(join(work, "state-")), ID, new Uint8Array());
});

/** Opens and closes it; returns its path. */
async function have(): Promise<string> {
  const file = await openArtifact(artifact, feed, directory);
  expect(file.bytes).toEqual(MODULE);
  file.close();
  return file.path;
}

function kept(): Uint8Array | undefined {
  const file = directory.openArtifact(artifact.sha256);
  file?.close();
  return file?.bytes;
}

describe("an artifact", () => {
  it("is fetched, verified and kept for its owner alone", async () => {
    const path = await have();
    expect(kept()).toEqual(MODULE);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(feed.asked.map(({ path: asked }) => asked)).toEqual([artifactPath(artifact.sha256)]);
  });

  it("is not fetched again", async () => {
    const path = await have();
    feed.files.clear();
    expect(await have()).toBe(path);
    expect(feed.traffic.requests).toBe(1);
  });

  it("is not written again when it is there and whole", async () => {
    const path = await have();
    const { ino } = await stat(path);
    await have();
    expect((await stat(path)).ino).toBe(ino);
  });

  it("is judged anew each time, and fetched again when it was changed on disk", async () => {
    const path = await have();
    await writeFile(path, flipBit(MODULE, 3));
    expect(await have()).toBe(path);
    expect(kept()).toEqual(MODULE);
    expect(feed.traffic.requests).toBe(2);
  });

  it("is what was verified, also when another file takes its path before it is loaded", async () => {
    const { path, descriptor, close } = await openArtifact(artifact, feed, directory);
    await rm(path);
    await writeFile(path, "a module of somebody else");
    expect(readFileSync(`/proc/self/fd/${descriptor}`)).toEqual(Buffer.from(MODULE));
    close();
  });

  it.each([
    ["a file that others can write", (path: string) => chmod(path, 0o666)],
    [
      "a link to a file",
      async (path: string) => {
        await rename(path, `${path}.real`);
        await symlink(`${path}.real`, path);
      },
    ],
    ["a file of somebody else", (path: string) => chown(path, 1000, 1000)],
  ])("is fetched again where %s lies in its place, whatever that says", async (_, change) => {
    await change(await have());
    expect(kept()).toBeUndefined();
    await have();
    expect(feed.traffic.requests).toBe(2);
    expect(kept()).toEqual(MODULE);
  });

  it.each<[string, Uint8Array, string]>([
    ["has one bit flipped", flipBit(MODULE, 0), "trust"],
    ["is cut short", MODULE.subarray(1), "trust"],
    ["is empty", new Uint8Array(), "trust"],
    ["is larger than signed for", new Uint8Array(MODULE.length + 1), "unreachable"],
  ])("is refused and not kept when it %s", async (_, bytes, code) => {
    feed.files.set(artifactPath(artifact.sha256), bytes);
    await expect(openArtifact(artifact, feed, directory)).rejects.toMatchObject({ code });
    expect(kept()).toBeUndefined();
  });

  it("that the feed lacks makes the feed unreachable, not the kernel uncovered", async () => {
    feed.files.clear();
    await expect(openArtifact(artifact, feed, directory)).rejects.toMatchObject({ code: "unreachable" });
  });
});
