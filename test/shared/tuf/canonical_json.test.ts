import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { type JsonValue, parseJson } from "../../../shared/json.ts";
import { canonicalJson } from "../../../shared/tuf/canonical_json.ts";

const canonical = (json: string): string => fromUtf8(canonicalJson(parseJson(utf8(json), "test", 10_000)));

describe("canonical JSON (OLPC, as securesystemslib's encode_canonical writes it)", () => {
  it.each([
    ["{ }", "{}"],
    ["[ ]", "[]"],
    ['{"b":1, "a":[1,2, {"d":null,"c":true}]}', '{"a":[1,2,{"c":true,"d":null}],"b":1}'],
    ['"\\"\\\\\\/"', '"\\"\\\\/"'],
    ['"\\n\\t\\u0000\\u001f\\u007f"', '"\n\t\u0000\u001f\u007f"'],
    ['"\\u00e9\\ud83d\\ude00"', '"é😀"'],
    ["-0", "0"],
    ["-9007199254740991", "-9007199254740991"],
    ["false", "false"],
    ['{"10":1,"9":2,"1":3}', '{"1":3,"10":1,"9":2}'],
    ['{"__proto__":1,"A":2,"a":3,"":4}', '{"":4,"A":2,"__proto__":1,"a":3}'],
    ['{"ab":1,"a":2,"aa":3}', '{"a":2,"aa":3,"ab":1}'],
    // U+FFFF comes before U+10000, though its UTF-16 unit comes after 0xd800.
    ['{"\\ud800\\udc00":1,"\\uffff":2,"\\ue000":3,"z":4}', '{"z":4,"\ue000":3,"\uffff":2,"\u{10000}":1}'],
    ['{"\\ud83d\\ude00":1,"\\ud83d\\ude01":2,"\\ud83c\\udf00":3}', '{"🌀":3,"😀":1,"😁":2}'],
    ['{"a\\uffff":1,"a\\ud800\\udc00":2,"a":3}', '{"a":3,"a\uffff":1,"a\u{10000}":2}'],
  ])("%s", (json, expected) => {
    expect(canonical(json)).toBe(expected);
  });

  it("sorts names by code point, whatever they are", () => {
    const names = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 6 }), { maxLength: 8 });
    fc.assert(
      fc.property(names, (some) => {
        const object = new Map<string, JsonValue>(some.map((name) => [name, 0]));
        const sorted = [...some].sort((a, b) => comparePoints([...a], [...b]));
        const quote = (name: string) => `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}":0`;
        expect(fromUtf8(canonicalJson(object))).toBe(`{${sorted.map(quote).join(",")}}`);
      }),
      { numRuns: 2000 },
    );
  });

  it("of two documents that mean the same is the same, and of others is not", () => {
    expect(canonical('{"a":1,"b":"\\u0041"}')).toBe(canonical(' {"b" : "A", "a" : 1 } '));
    expect(canonical('{"a":"1"}')).not.toBe(canonical('{"a":1}'));
    expect(canonical('["a,b"]')).not.toBe(canonical('["a","b"]'));
    expect(canonical('{"a":"\\",\\"b\\":\\""}')).not.toBe(canonical('{"a":"","b":""}'));
  });
});

/** The plain definition. */
function comparePoints(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i]?.codePointAt(0) ?? 0) - (b[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
