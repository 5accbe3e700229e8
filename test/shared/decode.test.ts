import { describe, expect, it } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import { Decoder } from "../../shared/decode.ts";
import { ParseError } from "../../shared/errors.ts";
import { parseJson } from "../../shared/json.ts";
import { parseInstant } from "../../shared/time.ts";

const decode = (json: string) => new Decoder(parseJson(utf8(json), "test", 10_000), "test");

describe("the decoder", () => {
  it("walks to values of the types that are asked for", () => {
    const document = decode('{"text":"x","number":7,"flag":true,"list":[1,2],"object":{"a":1},"none":null}');
    expect(document.get("text").string()).toBe("x");
    expect(document.get("number").integer(0)).toBe(7);
    expect(document.get("flag").boolean()).toBe(true);
    expect(
      document
        .get("list")
        .array(2)
        .map((item) => item.integer(1)),
    ).toEqual([1, 2]);
    expect(
      document
        .get("object")
        .entries(1)
        .map(([name, value]) => [name, value.integer(0)]),
    ).toEqual([["a", 1]]);
    expect(document.get("none").nullable((value) => value.string())).toBeNull();
    expect(document.get("text").nullable((value) => value.string())).toBe("x");
    expect(document.get("missing").optional((value) => value.string())).toBeUndefined();
    expect(document.get("text").literal("x")).toBe("x");
  });

  it.each<[string, (document: Decoder) => unknown, string]>([
    ["a missing member", (d) => d.get("x").string(), "test.x: expected a string, had nothing"],
    ["a number for a text", (d) => d.get("n").string(), "test.n: expected a string, had 1"],
    ["a text for a number", (d) => d.get("s").integer(0), 'test.s: expected an integer, had "t"'],
    ["null for an object", (d) => d.get("z").object(), "test.z: expected an object, had null"],
    ["an object for an array", (d) => d.get("o").array(9), "test.o: expected an array, had an object"],
    ["an array for an object", (d) => d.get("l").object(), "test.l: expected an object, had an array"],
    ["a number for a flag", (d) => d.get("n").boolean(), "test.n: expected true or false, had 1"],
    [
      "null where it may be absent",
      (d) => d.get("z").optional((value) => value.string()),
      "test.z: expected a string, had null",
    ],
    ["a number too small", (d) => d.get("n").integer(2), "test.n: 1 is not in 2 to 9007199254740991"],
    ["a number too large", (d) => d.get("n").integer(-5, 0), "test.n: 1 is not in -5 to 0"],
    ["a text too long", (d) => d.get("s").string(0), "test.s: 1 is more than the 0 allowed"],
    ["too many items", (d) => d.get("l").array(1), "test.l: 2 is more than the 1 allowed"],
    ["too many members", (d) => d.entries(2), "test: 5 is more than the 2 allowed"],
    ["another literal", (d) => d.get("s").literal("u"), 'test.s: expected "u", had "t"'],
    [
      "an item of another type",
      (d) => d.get("l").array(2)[1]?.string(),
      "test.l[1]: expected a string, had 2",
    ],
    ["a checker's refusal", (d) => d.get("s").as(parseInstant), "test.s: not a time"],
    [
      "a prototype's member",
      (d) => d.get("constructor").string(),
      "test.constructor: expected a string, had nothing",
    ],
  ])("names %s and where it is", (_what, read, message) => {
    const document = decode('{"n":1,"s":"t","z":null,"o":{},"l":[1,2]}');
    expect(() => read(document)).toThrow(ParseError);
    expect(() => read(document)).toThrow(message);
  });

  it("shortens what an attacker made long", () => {
    const name = "x".repeat(10_000);
    const document = decode(`{"${name}":"${name}"}`);
    try {
      document.get(name).integer(0);
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(300);
    }
  });
});
