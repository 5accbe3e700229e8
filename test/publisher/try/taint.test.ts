import { describe, expect, it } from "vitest";
import { newTaint } from "../../../publisher/try/taint.ts";

describe("what taints a kernel", () => {
  it("is nothing new with an unsigned live patch from outside of the tree", () => {
    expect(newTaint(0, (1 << 12) | (1 << 13) | (1 << 15))).toEqual([]);
  });

  it("is told by its meaning, and by its number if that is all that is known", () => {
    expect(newTaint(0, (1 << 9) | (1 << 7) | (1 << 30))).toEqual(["an oops", "a warning", "bit 30"]);
  });

  it("does not count if it was there before", () => {
    expect(newTaint(1 << 9, (1 << 9) | (1 << 14))).toEqual(["a soft lockup"]);
  });
});
