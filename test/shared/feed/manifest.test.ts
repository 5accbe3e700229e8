import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../shared/brand.ts";
import { decodeManifest, encodeManifest } from "../../../shared/feed/manifest.ts";
import { type JsonValue, jsonObject, parseJson } from "../../../shared/json.ts";
import { alteredBytes, sampleManifest, sampleUpdate } from "./sample.ts";

const manifest = sampleManifest(
  sampleUpdate("a"),
  sampleUpdate("b", { depends: ["a"], recalled: "it leaks" }),
);
const document = parseJson(encodeManifest(manifest), "manifest", 10_000);

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

  it.each([
    "6.1.0-57-cloud-amd64",
    "6.12.117+deb12-cloud-amd64",
    "5.15.0-1064-aws",
    "6.8.0-60-generic",
    "5.14.0-503.11.1.el9_5.x86_64+rt",
    "6.14.5-300.fc42.x86_64",
    "6.4.0-150600.23.47-default",
    "6.14.4-arch1-2",
    "6.6.87-0-lts",
    "6.1.137-rt51-00042-gabcdef012345-dirty",
    "6.1.0~rc1@custom#3",
  ])("is of a kernel that calls itself %s", (release) => {
    expect(decodeManifest(alteredBytes(document, ["kernel", "release"], release)).kernel.release).toBe(
      release,
    );
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
    [
      "of a release that rings",
      ["kernel", "release"],
      "6.1\u0007",
      "manifest.kernel.release: not a kernel's",
    ],
    [
      "of a release of two words",
      ["kernel", "release"],
      "6.1 new",
      "manifest.kernel.release: not a kernel's",
    ],
    ["of a release without end", ["kernel", "release"], "6".repeat(65), "manifest.kernel.release: not a"],
    ["of an odd architecture", ["kernel", "architecture"], "x\u202e", "manifest.kernel.architecture: not an"],
    [
      "of a distribution in two lines",
      ["kernel", "distribution"],
      "a\nb",
      "manifest.kernel.distribution: U+000A",
    ],
    ["with a banner of escapes", ["kernel", "banner"], "\u001b[2J", "manifest.kernel.banner: U+001B"],
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
