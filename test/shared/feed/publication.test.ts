import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import {
  decodePublication,
  encodePublication,
  publishPath,
  stagingPath,
} from "../../../shared/feed/publication.ts";
import { type JsonValue, parseJson } from "../../../shared/json.ts";
import { MAX_TARGETS_BYTES } from "../../../shared/limits.ts";
import { alteredBytes, ID } from "./sample.ts";

const file = fc
  .string({ unit: "binary", maxLength: 200 })
  .filter((text) => text.isWellFormed())
  .map(utf8);
const document = parseJson(
  encodePublication({ buildId: ID, base: 3, targets: utf8("t"), manifest: utf8("m") }),
  "publication",
  10_000,
);

describe("a publication", () => {
  it("carries targets and manifest byte for byte", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), file, file, (base, targets, manifest) => {
        const publication = { buildId: ID, base, targets, manifest };
        expect(decodePublication(encodePublication(publication))).toEqual(publication);
      }),
    );
  });

  it.each<[string, string, JsonValue | undefined, string]>([
    ["of another format", "format", "1", "publication.format: "],
    ["for no kernel", "build_id", "", "publication.build_id: not a build ID"],
    ["on a negative version", "base", -1, "publication.base: -1 is not in 0 to"],
    ["on no version", "base", undefined, "publication.base: expected an integer, had nothing"],
    ["without targets", "targets", undefined, "publication.targets: "],
    ["with targets too large", "targets", "x".repeat(MAX_TARGETS_BYTES + 1), "publication.targets: "],
    ["with a manifest that is an object", "manifest", new Map(), "publication.manifest: expected a string"],
  ])("%s is refused", (_, member, value, message) => {
    expect(() => decodePublication(alteredBytes(document, [member], value))).toThrow(
      expect.objectContaining({ code: "parse", message: expect.stringContaining(message) }),
    );
  });

  it("goes to its kernel, and its modules wait by their digests", () => {
    expect(publishPath(ID)).toBe(`kernels/${ID}/publish`);
    expect(stagingPath("ab")).toBe("staging/ab");
  });
});
