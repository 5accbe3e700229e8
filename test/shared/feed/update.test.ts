import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectName, sha256Hex, updateId } from "../../../shared/brand.ts";
import { Decoder } from "../../../shared/decode.ts";
import { decodeUpdate, type Update, type UpdatePart, updateToJson } from "../../../shared/feed/update.ts";
import { encodeJson, type JsonValue, jsonObject, parseJson } from "../../../shared/json.ts";
import { MAX_ARTIFACT_BYTES } from "../../../shared/limits.ts";
import { instant } from "../../../shared/time.ts";
import { altered, sampleUpdate } from "./sample.ts";

const decode = (value: JsonValue) => decodeUpdate(new Decoder(value, "update"));
const document = updateToJson(sampleUpdate("fix-1"));
const [vmlinux] = sampleUpdate("fix-1").objects;

const anyId = fc.stringMatching(/^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/).map(updateId);
const anyName = fc.stringMatching(/^[A-Za-z0-9_]{1,55}$/).map(objectName);
const anyModule = {
  name: anyName,
  sha256: fc.stringMatching(/^[0-9a-f]{64}$/).map(sha256Hex),
  length: fc.integer({ min: 1, max: MAX_ARTIFACT_BYTES }),
};
const anyPart = fc.oneof(
  fc.record({ ...anyModule, role: fc.constant("core" as const), target: fc.constant(null) }),
  fc.record({ ...anyModule, role: fc.constantFrom("new" as const, "old" as const), target: anyName }),
);
const anyEngine = fc.oneof(
  fc.record({
    engine: fc.constant("livepatch" as const),
    replace: fc.boolean(),
    parts: fc.constant<UpdatePart[]>([]),
  }),
  fc.record({
    engine: fc.constant("ksplice" as const),
    replace: fc.constant(false),
    parts: fc.array(anyPart, { minLength: 1, maxLength: 4 }),
  }),
);
const anyPlain = fc.record({
  id: anyId,
  summary: fc.string({ unit: "grapheme", maxLength: 80 }).filter((text) => text.isWellFormed()),
  cves: fc.array(fc.stringMatching(/^CVE-\d{4}-\d{4,10}$/), { maxLength: 4 }),
  published: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => instant(seconds * 1000)),
  rollout: fc.option(
    fc.record({
      start: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => instant(seconds * 1000)),
      hours: fc.integer({ min: 0, max: 2160 }),
    }),
  ),
  effective: fc.option(fc.stringMatching(/^[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}$/)),
  depends: fc.array(anyId, { maxLength: 4 }),
  conflicts: fc.array(anyId, { maxLength: 4 }),
  recalled: fc.option(fc.string({ maxLength: 40 }).filter((text) => text.isWellFormed())),
  supersedes: fc.array(anyId, { maxLength: 4 }),
  module: fc.record(anyModule),
  objects: fc.constant(vmlinux ? [vmlinux] : []),
});
const anyUpdate: fc.Arbitrary<Update> = fc
  .tuple(anyPlain, anyEngine)
  .map(([plain, engine]) => ({ ...plain, ...engine }))
  .filter(({ id, supersedes }) => !supersedes.includes(id));

const part = jsonObject({
  name: "ksplice_abcdefgh_vmlinux_new",
  sha256: "b".repeat(64),
  length: 10,
  role: "new",
  target: "vmlinux",
});
const ksplice = altered(altered(document, ["engine"], "ksplice"), ["parts"], [part]);

describe("an update", () => {
  it("reads as it was written", () => {
    fc.assert(
      fc.property(anyUpdate, (update) => {
        expect(decode(parseJson(encodeJson(updateToJson(update)), "update", 10_000))).toEqual(update);
      }),
    );
  });

  it.each<[string, readonly (string | number)[], JsonValue | undefined, string]>([
    ["without an id", ["id"], undefined, "update.id: expected a string"],
    ["with an upper-case id", ["id"], "Fix", "update.id: not an update id"],
    ["with an id like a path", ["id"], "../fix", "update.id: not an update id"],
    ["with an id that ends in a dot", ["id"], "fix.", "update.id: not an update id"],
    ["with a summary too long", ["summary"], "x".repeat(1025), "update.summary: 1025 is more"],
    ["with a summary that moves the cursor", ["summary"], "a\u001b[2J", "update.summary: U+001B does not"],
    ["with a summary of two lines", ["summary"], "a\nb", "update.summary: U+000A does not belong"],
    ["with a summary that reorders text", ["summary"], "a\u202eb", "update.summary: U+202E does not"],
    ["recalled in a C1 control", ["recalled"], "\u009b2J", "update.recalled: U+009B does not belong"],
    ["recalled in two lines", ["recalled"], "a\u2028b", "update.recalled: U+2028 does not belong"],
    [
      "with a function whose name ends a line",
      ["objects", 0, "functions", 0, "name"],
      "f\rg",
      "update.objects[0].functions[0].name: U+000D does not belong",
    ],
    ["with what is no CVE", ["cves", 0], "CVE-26-1", "update.cves[0]: not a CVE number"],
    ["with too many CVEs", ["cves"], Array(257).fill("CVE-2026-1234"), "update.cves: 257 is more"],
    [
      "with a time in another zone",
      ["published"],
      "2026-01-01T00:00:00+01:00",
      "update.published: not a time",
    ],
    ["on the 30th of February", ["published"], "2026-02-30T00:00:00Z", "update.published: not a time"],
    [
      "rolled out for a century",
      ["rollout"],
      jsonObject({ start: "2026-01-01T00:00:00Z", hours: 876_000 }),
      "update.rollout.hours: 876000 is not in 0 to 2160",
    ],
    ["rolled out without a start", ["rollout"], jsonObject({ hours: 1 }), "update.rollout.start: "],
    ["with a release of control characters", ["effective"], "6.1\u001b[2J", "update.effective: not a kernel"],
    ["with a dependency that is no id", ["depends"], ["A"], "update.depends[0]: not an update id"],
    ["with a conflict that is a number", ["conflicts"], [1], "update.conflicts[0]: expected a string"],
    ["without a word on its recall", ["recalled"], undefined, "update.recalled: expected a string"],
    ["recalled by a boolean", ["recalled"], true, "update.recalled: expected a string"],
    ["with a module name with a dash", ["module", "name"], "a-b", "update.module.name: not a kernel object"],
    ["with a module name too long", ["module", "name"], "m".repeat(56), "update.module.name: "],
    ["with a short digest", ["module", "sha256"], "ab", "update.module.sha256: not a SHA-256"],
    ["with an empty module", ["module", "length"], 0, "update.module.length: 0 is not in 1 to"],
    ["with a module too large", ["module", "length"], MAX_ARTIFACT_BYTES + 1, "update.module.length: "],
    ["that touches nothing", ["objects"], [], "update.objects: no target object"],
    ["with an object name that is a path", ["objects", 0, "name"], "a/b", "update.objects[0].name: "],
    ["of an engine that nobody has", ["engine"], "kgraft", "update.engine: not one of livepatch, ksplice"],
    ["that replaces by a word", ["replace"], "yes", "update.replace: expected true or false"],
    ["that supersedes itself", ["supersedes"], ["fix-1"], "update.supersedes: the update itself"],
    ["of livepatch with parts", ["parts"], [part], "update.parts: ksplice updates have parts"],
    [
      "with a damaged fingerprint",
      ["objects", 0, "functions", 0, "size"],
      0,
      "update.objects[0].functions[0].size: ",
    ],
  ])("%s is refused", (_, path, value, message) => {
    expect(() => decode(altered(document, path, value))).toThrow(
      expect.objectContaining({ code: "parse", message: expect.stringContaining(message) }),
    );
  });

  it.each<[string, readonly (string | number)[], JsonValue | undefined, string]>([
    ["without parts", ["parts"], [], "update.parts: ksplice updates have parts"],
    ["with atomic replace", ["replace"], true, "update.replace: ksplice cannot replace"],
    ["with a part of an unknown role", ["parts", 0, "role"], "patch", "update.parts[0].role: not one of"],
    ["with new code for nothing", ["parts", 0, "target"], null, "update.parts: a core has no target"],
    ["with a core for a target", ["parts", 0, "role"], "core", "update.parts: a core has no target"],
    ["with an empty part", ["parts", 0, "length"], 0, "update.parts[0].length: "],
  ])("of ksplice %s is refused", (_, path, value, message) => {
    expect(decode(ksplice).parts).toHaveLength(1);
    expect(() => decode(altered(ksplice, path, value))).toThrow(message);
  });

  it("is of livepatch, replaces nothing and supersedes nothing where it does not say so", () => {
    expect(document.has("engine") || document.has("replace") || document.has("supersedes")).toBe(false);
    expect(decode(document)).toMatchObject({
      engine: "livepatch",
      replace: false,
      supersedes: [],
      parts: [],
    });
  });

  it("may have callbacks alone for an object", () => {
    const update = decode(altered(document, ["objects", 0, "functions"], []));
    expect(update.objects[0]?.functions).toEqual([]);
  });

  it("that names an object twice is refused", () => {
    const objects = document.get("objects") as readonly JsonValue[];
    const twice = altered(document, ["objects"], [...objects, ...objects]);
    expect(() => decode(twice)).toThrow("update.objects: an object twice");
  });
});
