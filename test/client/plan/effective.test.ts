import { describe, expect, it } from "vitest";
import { effectiveRelease } from "../../../client/plan/effective.ts";
import { updateId } from "../../../shared/brand.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";

const one = { ...sampleUpdate("one", { day: 1 }), effective: "6.1.0-57" };
const two = { ...sampleUpdate("two", { day: 2 }), effective: null };
const three = { ...sampleUpdate("three", { day: 3 }), effective: "6.1.0-58" };
const all = {
  ...sampleUpdate("all", { day: 4 }),
  effective: "6.1.0-59",
  supersedes: ["one", "two"].map(updateId),
};
const release = (updates: Parameters<typeof effectiveRelease>[0], ...applied: readonly string[]) =>
  effectiveRelease(updates, new Set(applied.map(updateId)));

describe("the effective release", () => {
  it.each([
    ["no update", [], undefined],
    ["the first of three", ["one"], "6.1.0-57"],
    ["an update without a release on top", ["one", "two"], "6.1.0-57"],
    ["all three", ["one", "two", "three"], "6.1.0-58"],
    ["all but one in the middle", ["one", "three"], "6.1.0-57"],
    ["all but the first", ["two", "three"], undefined],
  ])("with %s applied", (_, applied, expected) => {
    expect(release([three, one, two], ...applied)).toBe(expected);
  });

  it("counts what an applied update supersedes, and that alone", () => {
    expect(release([one, two, all], "all")).toBe("6.1.0-59");
    expect(release([one, two, three, all], "all")).toBeUndefined();
    expect(release([one, two, three, all], "all", "three")).toBe("6.1.0-59");
  });

  it("does not count a recalled update as applied", () => {
    expect(release([{ ...one, recalled: "it leaks" }, two, three], "two", "three")).toBeUndefined();
  });
});
