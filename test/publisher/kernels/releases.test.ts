import { describe, expect, it } from "vitest";
import { byRelease, flavourOf, isServed } from "../../../publisher/kernels/releases.ts";

const ALL = { releases: [], flavours: [], except: [] };

describe("a release", () => {
  it("has a flavour behind its version and its number", () => {
    const flavours = [
      "6.1.0-56-cloud-amd64",
      "6.1.0-56-amd64",
      "6.12.117+deb12-rt-amd64",
      "6.8.0-45-generic",
      "7.0-rc3-amd64",
      "6.8.5-301.fc40.x86_64",
      "6.4.0-150600.23.25-default",
    ].map(flavourOf);
    expect(flavours).toEqual(["cloud-amd64", "amd64", "rt-amd64", "generic", "amd64", undefined, undefined]);
  });

  it("is served if it fits a pattern and a flavour, and no exception", () => {
    expect(isServed(ALL, "6.1.0-56-amd64")).toBe(true);
    const some = { releases: ["6.1.*", "6.12.*"], flavours: ["cloud-amd64"], except: ["6.1.0-4*"] };
    expect(isServed(some, "6.1.0-56-cloud-amd64")).toBe(true);
    expect(isServed(some, "6.12.117+deb12-cloud-amd64")).toBe(true);
    expect(isServed(some, "6.1.0-56-amd64")).toBe(false);
    expect(isServed(some, "6.1.0-47-cloud-amd64")).toBe(false);
    expect(isServed(some, "7.3.4+deb13-cloud-amd64")).toBe(false);
  });

  it("has its place by its numbers", () => {
    const releases = ["6.12.9-amd64", "6.1.0-10-amd64", "6.1.0-9-amd64"].map((release) => ({ release }));
    expect(releases.sort(byRelease).map(({ release }) => release)).toEqual([
      "6.1.0-9-amd64",
      "6.1.0-10-amd64",
      "6.12.9-amd64",
    ]);
  });
});
