import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import {
  type Bundle,
  decodeBundle,
  decodeBundleHead,
  encodeBundle,
  manifestAt,
} from "../../../shared/feed/bundle.ts";
import { type JsonValue, parseJson } from "../../../shared/json.ts";
import { MAX_BUNDLE_BYTES, MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES } from "../../../shared/limits.ts";
import { alteredBytes, ID } from "./sample.ts";

const file = fc
  .string({ unit: "binary", maxLength: 200 })
  .filter((text) => text.isWellFormed())
  .map(utf8);
const anyBundle: fc.Arbitrary<Bundle> = fc.record({
  buildId: fc.constant(ID),
  roots: fc.array(file, { maxLength: 4 }),
  timestamp: file,
  snapshot: file,
  targets: file,
  manifest: file,
});

const bundle: Bundle = {
  buildId: ID,
  roots: [utf8("{}")],
  timestamp: utf8("t"),
  snapshot: utf8("s"),
  targets: utf8("ta"),
  manifest: utf8("m"),
};
const document = parseJson(encodeBundle(bundle), "feed.json", 10_000);

describe("a bundle", () => {
  it("carries every file byte for byte", () => {
    fc.assert(
      fc.property(anyBundle, (made) => {
        expect(decodeBundle(encodeBundle(made))).toEqual(made);
      }),
    );
  });

  it("is known but for its manifest from what stands before that", () => {
    fc.assert(
      fc.property(anyBundle, fc.string(), (made, text) => {
        const tricky = utf8(`,"manifest":"${text.isWellFormed() ? text : ""}`);
        const bytes = encodeBundle({ ...made, targets: tricky });
        const end = manifestAt(bytes, 0);
        const { manifest: _, ...head } = { ...made, targets: tricky };
        expect(decodeBundleHead(bytes.subarray(0, end))).toEqual(head);
        expect(manifestAt(bytes.subarray(0, end + 5), 0)).toBe(-1);
        expect(manifestAt(bytes, end + 5)).toBe(end);
      }),
    );
  });

  it("is UTF-8, with an escape for what JSON cannot hold as it is", () => {
    const text = fromUtf8(encodeBundle({ ...bundle, manifest: utf8('"\n\u0000é') }));
    expect(text).toContain('"manifest":"\\"\\n\\u0000é"');
  });

  it("cannot carry what is not UTF-8", () => {
    expect(() => encodeBundle({ ...bundle, targets: Uint8Array.of(0xff) })).toThrow(
      expect.objectContaining({ code: "parse" }),
    );
  });

  it("is not made larger than hosts take it, whatever its escapes make of it", () => {
    const manifest = new Uint8Array(MAX_BUNDLE_BYTES / 6).fill(1);
    expect(() => encodeBundle({ ...bundle, manifest })).toThrow(expect.objectContaining({ code: "limit" }));
    const fits = { ...bundle, manifest: manifest.subarray(100) };
    expect(encodeBundle(fits).length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
  });

  it.each<[string, string, JsonValue | undefined, string]>([
    ["of another format", "format", 2, "feed.json.format: "],
    ["without a build ID", "build_id", undefined, "feed.json.build_id: "],
    ["with roots that are no list", "roots", "x", "feed.json.roots: expected an array"],
    ["with too many roots", "roots", Array(5).fill(""), "feed.json.roots: 5 is more than the 4"],
    ["with a root that is no text", "roots", [1], "feed.json.roots[0]: expected a string"],
    ["with a root too large", "roots", ["x".repeat(MAX_ROOT_BYTES + 1)], "feed.json.roots[0]: "],
    ["without a timestamp", "timestamp", undefined, "feed.json.timestamp: expected a string, had nothing"],
    ["with a timestamp too large", "timestamp", "x".repeat(MAX_TIMESTAMP_BYTES + 1), "feed.json.timestamp: "],
    ["with a snapshot that is null", "snapshot", null, "feed.json.snapshot: expected a string, had null"],
    ["without targets", "targets", undefined, "feed.json.targets: "],
    ["without a manifest", "manifest", undefined, "feed.json.manifest: "],
  ])("%s is refused", (_, member, value, message) => {
    expect(() => decodeBundle(alteredBytes(document, [member], value))).toThrow(
      expect.objectContaining({ code: "parse", message: expect.stringContaining(message) }),
    );
  });

  it("of arbitrary bytes is a bundle or a ParseError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => decodeBundle(bytes)).toThrow(expect.objectContaining({ code: "parse" }));
      }),
    );
  });
});
