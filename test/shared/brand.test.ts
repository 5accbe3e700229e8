import { describe, expect, it } from "vitest";
import { buildId, isBuildId, isSha256Hex, sha256Hex } from "../../shared/brand.ts";
import { ParseError } from "../../shared/errors.ts";

const digits = (count: number) => "0123456789abcdef".repeat(5).slice(0, count);

describe.each([
  { what: "a build ID", is: isBuildId, of: buildId, lengths: [16, 40, 64], others: [0, 14, 17, 41, 66] },
  { what: "a SHA-256", is: isSha256Hex, of: sha256Hex, lengths: [64], others: [0, 32, 63, 65, 66] },
])("$what", ({ is, of, lengths, others }) => {
  it("is told by the guard as by the constructor", () => {
    for (const text of lengths.map(digits)) expect([is(text), of(text)]).toEqual([true, text]);
    const length = lengths.at(-1) ?? 0;
    const wrong = [
      digits(length).toUpperCase(),
      `${digits(length)}\n`,
      ` ${digits(length - 1)}`,
      "g".repeat(length),
    ];
    for (const text of [...others.map(digits), ...wrong]) {
      expect(is(text), text).toBe(false);
      expect(() => of(text), text).toThrow(ParseError);
    }
  });
});
