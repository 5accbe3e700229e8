import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHolds, encodeHolds, heldName } from "../../../client/plan/holds.ts";
import { encodeJson, jsonObject } from "../../../shared/json.ts";
import { instant } from "../../../shared/time.ts";

describe("holds", () => {
  it("read as they were written", () => {
    const anyHold = fc.record({
      what: fc.constantFrom("fix-1", "debian-6.1.9", "CVE-2026-12345"),
      reason: fc.option(fc.string({ maxLength: 60 }).filter((text) => text.isWellFormed())),
      since: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => instant(seconds * 1000)),
    });
    fc.assert(
      fc.property(fc.array(anyHold, { maxLength: 5 }), (holds) => {
        expect(decodeHolds(encodeHolds(holds))).toEqual(holds);
      }),
    );
  });

  it.each(["", "Fix", "../fix", "CVE-26-1", "cve-2026-12345/..", "fix 1"])("name no %j", (text) => {
    expect(() => heldName(text)).toThrow("neither an update's id nor a CVE's number");
  });

  it.each([
    ["another format", jsonObject({ format: 2, holds: [] })],
    ["a hold of nothing", jsonObject({ format: 1, holds: [jsonObject({ reason: null, since: "x" })] })],
    ["no holds", jsonObject({ format: 1 })],
  ])("are refused with %s", (_, document) => {
    expect(() => decodeHolds(encodeJson(document))).toThrow(expect.objectContaining({ code: "parse" }));
  });
});
