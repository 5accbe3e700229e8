import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, fromUtf8, utf8 } from "../../shared/bytes.ts";
import { ParseError } from "../../shared/errors.ts";
import {
  encodeJson,
  isJsonObject,
  type Json,
  type JsonValue,
  jsonObject,
  parseFiles,
  parseJson,
} from "../../shared/json.ts";
import { MAX_JSON_DEPTH } from "../../shared/limits.ts";

const parse = (text: string) => parseJson(utf8(text), "test", 10_000);
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

/** undefined for what is JSON and not taken: fractions, numbers too large, half a surrogate pair. */
function attempt(read: () => JsonValue): JsonValue | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

const withoutMinusZero = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("JSON", () => {
  it.each<[string, unknown]>([
    ["null", null],
    [" true\r\n", true],
    ["[1,-2,0]", [1, -2, 0]],
    ["-0", 0],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["-9007199254740991", Number.MIN_SAFE_INTEGER],
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"', '"\\/\b\f\n\r\té'],
    ['"\\ud83d\\ude00"', "😀"],
    ['"\u007f\u2028\u{1f525}"', "\u007f\u2028🔥"],
    ["[[],[]]", [[], []]],
    ["{}", new Map()],
  ])("%s is read", (text, value) => {
    expect(parse(text)).toEqual(value);
  });

  it("keeps the order and the names of an object, whatever they are", () => {
    const value = parse('{"10":1,"9":2,"__proto__":3,"constructor":4,"":5}');
    expect(isJsonObject(value) && [...value.keys()]).toEqual(["10", "9", "__proto__", "constructor", ""]);
    expect(isJsonObject(value) && value.get("toString")).toBeUndefined();
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it.each([
    ["nothing", ""],
    ["space", " "],
    ["a name without quotes", "{a:1}"],
    ["single quotes", "{'a':1}"],
    ["a comma too many", "[1,]"],
    ["a comma too many in an object", '{"a":1,}'],
    ["a comma too few", "[1 2]"],
    ["a colon too few", '{"a" 1}'],
    ["a name that is no text", "{1:1}"],
    ["an object that does not end", '{"a":1'],
    ["an array that does not end", "[1"],
    ["a text that does not end", '"a'],
    ["the wrong bracket", "[1}"],
    ["two values", "1 1"],
    ["a word", "undefined"],
    ["a word that is almost one", "nul"],
    ["a word in capitals", "True"],
    ["NaN", "NaN"],
    ["Infinity", "-Infinity"],
    ["hex", "0x1"],
    ["a fraction", "1.0"],
    ["an exponent", "1e3"],
    ["2^53", "9007199254740992"],
    ["-2^53", "-9007199254740992"],
    ["more digits than any number has", "9".repeat(400)],
    ["a leading zero", "01"],
    ["a plus sign", "+1"],
    ["a sign alone", "-"],
    ["an unknown escape", '"\\x41"'],
    ["half an escape", '"\\u12"'],
    ["a raw line feed", '"\n"'],
    ["a raw NUL", '"\0"'],
    ["a high surrogate alone", '"\\ud800"'],
    ["a low surrogate alone", '"\\udc00"'],
    ["surrogates in the wrong order", '"\\udc00\\ud800"'],
    ["a lone surrogate in a name", '{"\\ud800":1}'],
    ["a name twice", '{"a":1,"a":1}'],
    ["a name twice, once escaped", '{"a":1,"\\u0061":1}'],
    ["__proto__ twice", '{"__proto__":1,"__proto__":2}'],
    ["a comment", "1 /* */"],
    ["a byte order mark", "\ufeff1"],
    ["a space that is not JSON's", "\u00a01"],
    ["a vertical tab", "\v1"],
  ])("%s is refused", (_what, text) => {
    expect(() => parse(text)).toThrow(ParseError);
  });

  it("is bounded in depth, for arrays and for objects", () => {
    expect(() => parse(nested(MAX_JSON_DEPTH))).not.toThrow();
    expect(() => parse(nested(MAX_JSON_DEPTH + 2))).toThrow(/nested deeper/);
    expect(() => parse(`${'{"a":'.repeat(1_000_000)}`)).toThrow(/nested deeper/);
  });

  it("is bounded in values and names, each counted where it stands", () => {
    for (const [text, count] of [
      ["0", 1],
      ["[[],{}]", 3],
      ['{"a":1,"b":[2,"c"]}', 7],
      [`[${"{},".repeat(997)}{}]`, 999],
    ] as const) {
      expect(() => parseJson(utf8(text), "test", count)).not.toThrow();
      expect(() => parseJson(utf8(text), "test", count - 1)).toThrow(/more than \d+ values and names/);
    }
  });

  it("ends at the first value too many, however long the document is", () => {
    const bytes = new Uint8Array(8 * 1024 * 1024).fill(0x5b); // arrays in arrays without end
    bytes.fill(0x30, 2);
    bytes.forEach((_, i) => {
      if (i > 2 && i % 2 === 1) bytes[i] = 0x2c;
    });
    const start = performance.now();
    expect(() => parseJson(bytes, "test", 100)).toThrow("test: more than 100 values and names at byte 198");
    expect(performance.now() - start).toBeLessThan(500);
  });

  it("reads as JSON.parse does, where the values are of those that are taken", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.nat(3), (text, indent) => {
        const value = JSON.parse(text) as unknown;
        const written = JSON.stringify(value, null, indent);
        const read = attempt(() => parse(written));
        if (read !== undefined)
          expect(JSON.parse(fromUtf8(encodeJson(read)))).toEqual(withoutMinusZero(value));
      }),
    );
  });

  it("gives objects that read as Maps do, few members or many", () => {
    const names = fc.uniqueArray(
      fc.constantFrom(...Array.from({ length: 40 }, (_, i) => `n${i % 7}${"x".repeat(i)}`)),
    );
    fc.assert(
      fc.property(names, (all) => {
        const expected = new Map(all.map((name, i) => [name, i]));
        const value = parse(JSON.stringify(Object.fromEntries(expected)));
        if (!isJsonObject(value)) throw new Error("no object");
        expect([...value]).toEqual([...expected]);
        expect([...value.keys(), ...value.values()]).toEqual([...expected.keys(), ...expected.values()]);
        expect(value.size).toBe(expected.size);
        for (const name of [...all, "other"]) {
          expect([value.has(name), value.get(name)]).toEqual([expected.has(name), expected.get(name)]);
        }
        const visited: unknown[] = [];
        value.forEach((member, name) => void visited.push([name, member]));
        expect(visited).toEqual([...expected]);
      }),
    );
  });

  it("keeps the names of objects apart whose names put together are the same", () => {
    const value = parse('[{"a\\u0000b":1,"c":2},{"a":3,"b\\u0000c":4},{"a\\u0000b":5,"c":6}]');
    const objects = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
    expect(objects.map((one) => (isJsonObject(one) ? [...one] : one))).toEqual([
      [
        ["a\0b", 1],
        ["c", 2],
      ],
      [
        ["a", 3],
        ["b\0c", 4],
      ],
      [
        ["a\0b", 5],
        ["c", 6],
      ],
    ]);
  });

  it.each([16, 17, 200])("refuses a name twice among %i", (count) => {
    const members = Array.from({ length: count }, (_, i) => `"n${i}":0`);
    expect(() => parse(`{${members.join(",")}}`)).not.toThrow();
    for (const twice of [members[0], members[count - 1]]) {
      expect(() => parse(`{${members.join(",")},${twice}}`)).toThrow(/twice in one object/);
    }
  });

  it("leaves texts as the bytes of files", () => {
    const text = '{"a":["\\"\\u00e9",1,{"b":"é"}],"c":""}';
    const value = parseFiles(utf8(text), "test", 100);
    if (!isJsonObject(value)) throw new Error("no object");
    const [first, second, third] = value.get("a") as readonly Json<Uint8Array>[];
    expect([first, second, value.get("c")]).toEqual([utf8('"é'), 1, new Uint8Array()]);
    expect(isJsonObject(third) && third.get("b")).toEqual(utf8("é"));
    expect(() => parseFiles(Uint8Array.of(0x22, 0xff, 0x22), "test", 100)).toThrow(ParseError);
  });

  it.each([
    ["a stray byte", [0x22, 0xff, 0x22]],
    ["an overlong form", [0x22, 0xc0, 0xaf, 0x22]],
    ["an encoded surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["more than Unicode has", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ["a character cut short", [0x22, 0xe2, 0x82, 0x22]],
  ])("%s is not UTF-8", (_what, bytes) => {
    expect(() => parseJson(Uint8Array.from(bytes), "test", 10_000)).toThrow(ParseError);
  });

  it("says what it was reading and where", () => {
    expect(() => parseJson(utf8('{"a":x}'), "targets", 10_000)).toThrow(
      "targets: not a JSON value at byte 5",
    );
    expect(() => parse('{"a":1,"a":1}')).toThrow('the name "a" twice');
  });

  it("takes a long text in its stride", () => {
    const text = `"${"a".repeat(3_000_000)}"`;
    expect(parse(text)).toHaveLength(3_000_000);
  });

  it("is written compactly in the order of the members, undefined ones left out", () => {
    const value = jsonObject({ b: 1, a: undefined, c: [true, null, "\n", jsonObject({})] });
    expect(fromUtf8(encodeJson(value))).toBe('{"b":1,"c":[true,null,"\\n",{}]}');
  });

  it("comes back as it was written", () => {
    const text = '{"10":[{"__proto__":-1}],"a":"\\"\\\\\\u0000","é":"🔥"}';
    const bytes = encodeJson(parse(text));
    expect(encodeJson(parseJson(bytes, "again", 10_000))).toEqual(bytes);
    expect(concatBytes([bytes])).toEqual(utf8(text));
  });
});
