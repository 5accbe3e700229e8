import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex, textOffset } from "../../../shared/brand.ts";
import { ParseError } from "../../../shared/errors.ts";
import { encodeJson, type JsonValue, parseJson } from "../../../shared/json.ts";
import { type FunctionFingerprint, MAX_FUNCTION_SIZE } from "../../../shared/runpre/fingerprint.ts";
import { fingerprintFromJson, fingerprintToJson } from "../../../shared/runpre/json.ts";
import { locatorLength } from "../../../shared/runpre/locator.ts";

const sample: FunctionFingerprint = {
  name: "cmdline_proc_show",
  offset: textOffset(0x35c3f0),
  size: 80,
  sha256: sha256Hex("ab".repeat(32)),
  locator: Uint8Array.of(1, 2, 3, 4),
  sites: [
    { kind: "ftrace", at: 0 },
    { kind: "reloc32", at: 12 },
    { kind: "return_thunk", at: 40 },
    { kind: "reloc32", at: 60 },
  ],
};

const text = `{"name":"cmdline_proc_show","offset":3523568,"size":80,"sha256":"${"ab".repeat(32)}","locator":"AQIDBA==","sites":{"reloc32":[12,60],"ftrace":[0],"return_thunk":[40]}}`;
const decode = (json: string): FunctionFingerprint =>
  fingerprintFromJson(parseJson(new TextEncoder().encode(json), "test", 10_000));

describe("fingerprints as JSON", () => {
  it("have one form, and come back whole", () => {
    expect(new TextDecoder().decode(encodeJson(fingerprintToJson(sample)))).toBe(text);
    expect(decode(text)).toEqual(sample);
  });

  it.each([
    ["an unknown member", text.replace('"size"', '"sizes":1,"size"')],
    ["an unknown kind of site", text.replace("ftrace", "livepatch")],
    ["a plain kind as a structured one", text.replace("ftrace", "jump_label")],
    ["a name that every object has", text.replace("ftrace", "toString")],
    ["a site that reaches past the end", text.replace("[12,60]", "[12,77]")],
    ["overlapping sites", text.replace("[12,60]", "[12,38]")],
    ["places out of order", text.replace("[12,60]", "[60,12]")],
    ["a place twice", text.replace("[12,60]", "[12,12]")],
    ["a negative place", text.replace("[12,60]", "[-1]")],
    ["an empty list", text.replace("[12,60]", "[]")],
    ["a locator of the wrong length", text.replace("AQIDBA==", "AQID")],
    ["a locator that is not base64", text.replace("AQIDBA==", "AQIDBB==")],
    ["no code", text.replace('"size":80', '"size":0')],
    ["too much code", text.replace('"size":80', `"size":${MAX_FUNCTION_SIZE + 1}`)],
    ["an offset past what there is", text.replace("3523568", "2147483648")],
    ["a digest in capitals", text.replace("ab".repeat(32), "AB".repeat(32))],
    ["a missing member", text.replace('"offset":3523568,', "")],
  ])("refuse %s", (_, json) => {
    expect(json).not.toBe(text);
    expect(() => decode(json)).toThrow(ParseError);
  });

  it("are a value or a ParseError for any JSON", () => {
    const json = fc.jsonValue().map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(json, (document) => {
        let value: JsonValue;
        try {
          value = parseJson(new TextEncoder().encode(document), "test", 10_000);
        } catch {
          return;
        }
        expect(() => fingerprintFromJson(value)).toThrow(ParseError);
      }),
    );
  });

  it("bound the locator by the size", () => {
    expect(locatorLength(MAX_FUNCTION_SIZE)).toBe(131_072);
  });
});
