import { describe, expect, it } from "vitest";
import { sideBySide } from "../../../../publisher/create/page/side_by_side.ts";

/** Aligns words, and writes each row as "old|now", with a star where they differ. */
const aligned = async (old: string, now: string): Promise<readonly string[]> =>
  (await sideBySide(old.split(" "), now.split(" "), (word) => word.toLowerCase())).map(
    ({ isSame, old: left = "", now: right = "" }) => `${left}|${right}${isSame ? "" : " *"}`,
  );

describe("lines side by side", () => {
  it("pairs what is the same, and keeps both texts of it", async () => {
    expect(await aligned("a b c", "A b C")).toEqual(["a|A", "b|b", "c|C"]);
  });

  it("leaves a place beside what was added or removed, at the start, inside and at the end", async () => {
    expect(await aligned("a b c", "x a c y z")).toEqual(["|x *", "a|a", "b| *", "c|c", "|y *", "|z *"]);
  });

  it("puts what replaces something beside it", async () => {
    expect(await aligned("a b c d", "a x y z d")).toEqual(["a|a", "b|x *", "c|y *", "|z *", "d|d"]);
  });

  it("shows one side alone", async () => {
    expect(await sideBySide([], ["a"], (word) => word)).toEqual([{ isSame: false, now: "a" }]);
  });
});
