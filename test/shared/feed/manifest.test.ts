import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../shared/brand.ts";
import { decodeManifest, encodeManifest } from "../../../shared/feed/manifest.ts";
import { type JsonValue, jsonObject, parseJson } from "../../../shared/json.ts";
import { alteredBytes, sampleManifest, sampleUpdate } from "./sample.ts";

const manifest = sampleManifest(
  sampleUpdate("a"),
  sampleUpdate("b", { depends: ["a"], recalled: "it leaks" }),
);
const document = parseJson(encodeManifest(manifest), "manifest");

describe("a manifest", () => {
  it("reads as it was written", () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });

  it("may have no updates, and addresses at either end", () => {
    for (const linkedText of [0n, 0xffff_ffff_ffff_ffffn]) {
      const other = { ...sampleManifest(), landmarks: { ...manifest.landmarks, linkedText } };
      const bytes = encodeManifest(other as typeof manifest);
      expect(decodeManifest(bytes)).toEqual(other);
    }
  });

  it("may have members that this version does not know", () => {
    expect(decodeManifest(alteredBytes(document, ["more"], 1))).toEqual(manifest);
    expect(decodeManifest(alteredBytes(document, ["updates", 0, "more"], 1))).toEqual(manifest);
  });

  it("may name the kernel's fingerprint file, or none", () => {
    const fingerprints = { sha256: sha256Hex("ab".repeat(32)), length: 2_473_320 };
    const bytes = encodeManifest({ ...manifest, fingerprints });
    expect(decodeManifest(bytes)).toEqual({ ...manifest, fingerprints });
    expect(decodeManifest(alteredBytes(document, ["fingerprints"], null))).toEqual(manifest);
  });

  it.each<[string, readonly (string | number)[], JsonValue | undefined, string]>([
    [
      "with half a fingerprint file",
      ["fingerprints"],
      jsonObject({ length: 1 }),
      "manifest.fingerprints.sha256",
    ],
    [
      "with fingerprints that are no file",
      ["fingerprints"],
      "file",
      "manifest.fingerprints: expected an object",
    ],
    ["of another format", ["format"], 2, "manifest.format: expected 1, had 2"],
    ["without a format", ["format"], undefined, "manifest.format: expected 1, had nothing"],
    ["without a kernel", ["kernel"], undefined, "manifest.kernel: expected an object"],
    ["with an odd build ID", ["kernel", "build_id"], "abc", "manifest.kernel.build_id: not a build ID"],
    ["with an upper-case build ID", ["kernel", "build_id"], "AB".repeat(20), "manifest.kernel.build_id: "],
    ["without a release", ["kernel", "release"], null, "manifest.kernel.release: expected a string"],
    ["with updates that are no list", ["updates"], jsonObject({}), "manifest.updates: expected an array"],
    ["with a null update", ["updates", 1], null, "manifest.updates[1]: expected an object"],
    ["with a short address", ["landmarks", "linked_text"], "81000000", "manifest.landmarks.linked_text: "],
    ["with an address as a number", ["landmarks", "linked_text"], 7, "manifest.landmarks.linked_text: "],
    [
      "with a negative offset",
      ["landmarks", "return_thunk_its"],
      -1,
      "manifest.landmarks.return_thunk_its: ",
    ],
    [
      "with an offset past the text mapping",
      ["landmarks", "return_thunk_variable"],
      0x4000_0000,
      "manifest.landmarks.return_thunk_variable: ",
    ],
    [
      "without a landmark",
      ["landmarks", "return_thunk_its"],
      undefined,
      "return_thunk_its: expected an integer",
    ],
    ["with an id twice", ["updates", 1, "id"], "a", "manifest: an update id twice"],
    [
      "with two modules of one name",
      ["updates", 1, "module", "name"],
      "livepatch_a",
      "manifest: two modules of one name",
    ],
  ])("%s is refused", (_, path, value, message) => {
    expect(() => decodeManifest(alteredBytes(document, path, value))).toThrow(
      expect.objectContaining({ code: "parse", message: expect.stringContaining(message) }),
    );
  });

  it("with more updates than allowed is refused", () => {
    const many = Array.from({ length: 4097 }, () => null);
    expect(() => decodeManifest(alteredBytes(document, ["updates"], many))).toThrow(
      "manifest.updates: 4097 is more",
    );
  });

  it.each([0, 1, 40, -1])("cut at %d is refused", (at) => {
    expect(() => decodeManifest(encodeManifest(manifest).slice(0, at))).toThrow(
      expect.objectContaining({ code: "parse" }),
    );
  });
});
