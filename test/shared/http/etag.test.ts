import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../shared/brand.ts";
import { etagOf, noneMatchNames } from "../../../shared/http/etag.ts";

const etag = etagOf(sha256Hex("ab".repeat(32)));

describe("If-None-Match", () => {
  it.each([
    etag,
    `W/${etag}`,
    "*",
    ` ${etag} `,
    `"other", ${etag}`,
    `"a,b" , W/${etag},"c"`,
    `, ,${etag},`,
    `"", ${etag}`,
  ])("%s names it", (header) => {
    expect(noneMatchNames(header, etag)).toBe(true);
  });

  it.each([
    undefined,
    "",
    ",",
    '"other"',
    "ab".repeat(32),
    `${etag} ${etag}`,
    `"unclosed, ${etag}`,
    `w/${etag}`,
    `*, ${etag}`,
    `${etag}, junk`,
    `${etag},`.repeat(100),
    "\u0000",
  ])("%s does not", (header) => {
    expect(noneMatchNames(header, etag)).toBe(false);
  });

  it("takes any text without an error", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', ",", "W", "/", " ", "a", "*", "\t") }), (header) => {
        expect(typeof noneMatchNames(header, etag)).toBe("boolean");
      }),
    );
  });
});
