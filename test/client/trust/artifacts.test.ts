import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { haveArtifact } from "../../../client/trust/artifacts.ts";
import { type TrustDir, trustDir } from "../../../client/trust/trust_dir.ts";
import { buildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { sha256Of } from "../../../shared/crypto/digest.ts";
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
  artifact = { sha256: await sha256Of(MODULE), length: MODULE.length };
});
afterAll(() => rm(work, { recursive: true }));
beforeEach(async () => {
  feed = new MemoryFeed();
  feed.files.set(artifactPath(artifact.sha256), MODULE);
  directory = trustDir(await mkdtemp(join(work, "state-")), ID);
});

const kept = () => directory.readArtifact(artifact.sha256);

describe("an artifact", () => {
  it("is fetched, verified and kept for its owner alone", async () => {
    const path = await haveArtifact(artifact, feed, directory);
    expect(await kept()).toEqual(Buffer.from(MODULE));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(feed.asked.map(({ path: asked }) => asked)).toEqual([artifactPath(artifact.sha256)]);
  });

  it("is not fetched again", async () => {
    const path = await haveArtifact(artifact, feed, directory);
    feed.files.clear();
    expect(await haveArtifact(artifact, feed, directory)).toBe(path);
    expect(feed.traffic.requests).toBe(1);
  });

  it("is not written again when it is there and whole", async () => {
    const path = await haveArtifact(artifact, feed, directory);
    const { ino } = await stat(path);
    await haveArtifact(artifact, feed, directory);
    expect((await stat(path)).ino).toBe(ino);
  });

  it("is judged anew each time, and fetched again when it was changed on disk", async () => {
    const path = await haveArtifact(artifact, feed, directory);
    await writeFile(path, flipBit(MODULE, 3));
    expect(await haveArtifact(artifact, feed, directory)).toBe(path);
    expect(await kept()).toEqual(Buffer.from(MODULE));
    expect(feed.traffic.requests).toBe(2);
  });

  it.each<[string, Uint8Array, string]>([
    ["has one bit flipped", flipBit(MODULE, 0), "trust"],
    ["is cut short", MODULE.subarray(1), "trust"],
    ["is empty", new Uint8Array(), "trust"],
    ["is larger than signed for", new Uint8Array(MODULE.length + 1), "unreachable"],
  ])("is refused and not kept when it %s", async (_, bytes, code) => {
    feed.files.set(artifactPath(artifact.sha256), bytes);
    await expect(haveArtifact(artifact, feed, directory)).rejects.toMatchObject({ code });
    expect(await kept()).toBeUndefined();
  });

  it("that the feed lacks makes the feed unreachable, not the kernel uncovered", async () => {
    feed.files.clear();
    await expect(haveArtifact(artifact, feed, directory)).rejects.toMatchObject({ code: "unreachable" });
  });
});
