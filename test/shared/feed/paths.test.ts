import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildId, sha256Hex } from "../../../shared/brand.ts";
import {
  artifactPath,
  consistentTarget,
  feedPath,
  manifestTarget,
  manifestTargetBuildId,
  metadataPath,
  targetsPath,
} from "../../../shared/feed/paths.ts";
import { ID } from "./sample.ts";

const SHA = sha256Hex("d".repeat(64));

describe("the feed's paths", () => {
  it("lie below the kernel's folder, artifacts beside it", () => {
    expect(feedPath(ID)).toBe(`kernels/${ID}/feed.json`);
    expect(metadataPath(ID)).toBe(`kernels/${ID}/metadata`);
    expect(targetsPath(ID)).toBe(`kernels/${ID}/targets`);
    expect(artifactPath(SHA)).toBe(`artifacts/${SHA}`);
    expect(consistentTarget(ID, SHA)).toBe(`kernels/${SHA}.${ID}.json`);
  });

  it("give the build ID back that a manifest's target path names", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 32 }), (bytes) => {
        const id = buildId(Buffer.from(bytes).toString("hex"));
        expect(manifestTargetBuildId(manifestTarget(id))).toBe(id);
      }),
    );
  });

  it.each([
    "",
    ID,
    `kernels/${ID}`,
    `/kernels/${ID}.json`,
    `kernels/${ID}.json/`,
    `kernels/${ID}.json\n`,
    `kernels/${ID.slice(1)}.json`,
    `kernels/${ID.toUpperCase()}.json`,
    `kernels/${"ab".repeat(33)}.json`,
    `kernels/${"ab".repeat(7)}.json`,
    `kernels/../${ID}.json`,
    consistentTarget(ID, SHA),
  ])("see no build ID in %j", (path) => {
    expect(manifestTargetBuildId(path)).toBeUndefined();
  });
});
