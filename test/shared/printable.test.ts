import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeJson, type JsonValue, jsonObject, parseJson } from "../../shared/json.ts";
import { excerpt, printable, printableJson } from "../../shared/printable.ts";

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
/** Any code point, lone surrogates too, and those that harm more often than they would come up. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("\u001b[2J", "\r", "\n", "\0", "\u009b", "\u202e", "\u2066", "\u200f", "\u061c"),
      fc.constantFrom("\u2028", "\u200b", "\ufeff", "\ud800", "\u00ad", "\u{e0001}", "\ue000", "\u007f"),
    ),
  )
  .map((parts) => parts.join(""));

describe("text for a terminal or a log", () => {
  it("keeps letters and shows what moves the cursor, hides, reorders or begins a line", () => {
    expect(printable("Füße 漢字 🙂 עברית `a\\nb`")).toBe("Füße 漢字 🙂 עברית `a\\nb`");
    expect(printable("\u001b[2K\r\n\t\0\u009b1A\u007f")).toBe("\\x1b[2K\\r\\n\\t\\x00\\x9b1A\\x7f");
    expect(printable("\u202eevil\u2066\u200f\u061c\u2028\u2029")).toBe(
      "\\u202eevil\\u2066\\u200f\\u061c\\u2028\\u2029",
    );
    expect(printable("a\u200bb\ufeffc\u00add\u{e0041}e\ud800f\u3164")).toBe(
      "a\\u200bb\\ufeffc\\xadd\\u{e0041}e\\ud800f\\u3164",
    );
  });

  it("holds nothing that is not printable, and stays as it is when it goes through again", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(UNPRINTABLE);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });

  it("is cut where its beginning is enough, and never in the middle of a character", () => {
    expect(excerpt("a".repeat(300))).toBe(`${"a".repeat(200)}…`);
    expect(excerpt("🙂🙂🙂", 2)).toBe("🙂🙂…");
    expect(excerpt("\u001b\u001b", 2)).toBe("\\x1b\\x1b");
  });

  it("as JSON is the same document, whatever its strings hold", () => {
    const text = hostile.filter((one) => one.isWellFormed());
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (members) => {
        const value: JsonValue = jsonObject(Object.fromEntries(members));
        const shown = printableJson(value);
        expect(shown).not.toMatch(UNPRINTABLE);
        expect(encodeJson(parseJson(new TextEncoder().encode(shown), "shown", 10_000))).toEqual(
          encodeJson(value),
        );
      }),
    );
  });
});
