import { describe, expect, it } from "vitest";
import { nearNames } from "../../../node/cli/near.ts";

describe("a name that was written by a slip of the hand", () => {
  it.each([
    ["fix-1", ["fix-1", "fix-2"]],
    ["fix-11", ["fix-1", "fix-2"]],
    ["fx-1", ["fix-1", "fix-2"]],
    ["CVE-2026-12354", ["CVE-2026-12345"]],
    ["CVE-2025-99999", []],
    ["", []],
  ])("%j is near %j", (written, near) => {
    expect(nearNames(written, ["fix-2", "CVE-2026-12345", "fix-1", "another", "fix-1"])).toEqual(near);
  });

  it("is not near more than three", () => {
    expect(nearNames("a", ["b", "c", "d", "e"])).toEqual(["b", "c", "d"]);
  });
});
