import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../shared/bytes.ts";
import { escaped, escapedLength, unescaped } from "../../shared/json_text.ts";

const texts = fc.string({ unit: "binary", maxLength: 40 });
/** Pieces of strings, right and wrong. */
const pieces = fc.constantFrom(
  ...["a", "é", "🔥", "\\\\", '\\"', "\\/", "\\b", "\\u", "\\u0041", "\\u00E9", "\\uffff", "\\x", "0", "f"],
  ...[
    "\\ud83d",
    "\\ude00",
    "\\ud83d\\ude00",
    "\\uDBFF\\uDFFF",
    "\\ud800\\u0041",
    "\\u12",
    "\\u+123",
    "\\u 12",
  ],
);

function parsed(inside: string): string | undefined {
  try {
    const text = JSON.parse(`"${inside}"`) as string;
    return text.isWellFormed() ? text : undefined;
  } catch {
    return undefined;
  }
}

describe("texts of JSON as bytes", () => {
  it("are written as JSON.stringify writes them", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const expected = utf8(JSON.stringify(text));
        expect(escaped(utf8(text))).toEqual(expected);
        expect(escapedLength(utf8(text))).toBe(expected.length);
      }),
    );
  });

  it("are written so for every byte below 128", () => {
    const all = String.fromCharCode(...Array(128).keys());
    expect(fromUtf8(escaped(utf8(all)))).toBe(JSON.stringify(all));
  });

  it("are read as JSON.parse reads them, but for half a surrogate pair", () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (chosen) => {
        const inside = chosen.join("");
        const found = unescaped(utf8(inside));
        expect(found && fromUtf8(found)).toBe(parsed(inside));
      }),
      { numRuns: 3000 },
    );
  });

  it("come back as they were written", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const found = unescaped(escaped(utf8(text)).slice(1, -1));
        expect(found && fromUtf8(found)).toBe(text);
      }),
    );
  });

  it("are refused when an escape is cut off", () => {
    for (const inside of ["\\", "\\u", "\\u123", "\\ud83d\\", "\\ud83d\\u", "\\ud83d\\ude0"]) {
      expect(unescaped(utf8(inside)), inside).toBeUndefined();
    }
  });
});
