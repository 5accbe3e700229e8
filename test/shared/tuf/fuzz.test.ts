import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { ecdsaP256, rawSignature } from "../../../shared/crypto/ecdsa_p256.ts";
import { p256Point, rsaBits, spkiFromPem } from "../../../shared/crypto/spki.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { encodeJson, type JsonObject, type JsonValue, parseJson } from "../../../shared/json.ts";
import {
  decodeRoot,
  decodeSnapshot,
  decodeTargets,
  decodeTimestamp,
  parseEnvelope,
} from "../../../shared/tuf/schema.ts";
import { HostileRepository } from "../../support/hostile_repository.ts";
import { outcome, TestClient } from "../../support/hostile_repository_client.ts";

/** Runs a parser; what it throws on purpose is an outcome, anything else fails the test. */
function attempt<T>(parse: () => T): T | RebootlessError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RebootlessError) return error;
    throw error;
  }
}

const names = fc.constantFrom(
  ...[
    "_type",
    "version",
    "expires",
    "spec_version",
    "meta",
    "keys",
    "roles",
    "targets",
    "delegations",
    "length",
  ],
  ...[
    "hashes",
    "keyids",
    "threshold",
    "signed",
    "signatures",
    "keyid",
    "sig",
    "__proto__",
    "constructor",
    "7",
  ],
);
const leaves = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom("root", "targets", "2031-01-01T00:00:00Z", "1.0.0", "", "0".repeat(64)),
  fc.boolean(),
  fc.constant(null),
);
const { value: anyValue } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, leaves, fc.array(tie("value"), { maxLength: 4 }), tie("object")),
  object: fc
    .uniqueArray(fc.tuple(names, tie("value")), { maxLength: 8, selector: ([name]) => name })
    .map((members) => new Map(members)),
}));
const anyObject = fc
  .uniqueArray(fc.tuple(names, anyValue), { maxLength: 8, selector: ([name]) => name })
  .map((members): JsonObject => new Map(members));

describe("arbitrary input gives a value or a RebootlessError", () => {
  it("JSON of arbitrary bytes, and of arbitrary text", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom(...'{}[]",:\\0123456789eE+-.truefalsnu \n\ud800é'), maxLength: 80 })
        .map(utf8),
      fc.json().map(utf8),
    );
    let parsed = 0;
    fc.assert(
      fc.property(bytes, (input) => {
        const value = attempt(() => parseJson(input, "fuzz", 10_000));
        if (value instanceof RebootlessError) return;
        parsed++;
        // What is taken means the same to the platform's parser, and survives being written.
        expect(parseJson(encodeJson(value), "again", 10_000)).toEqual(value);
        const theirs: unknown = JSON.parse(new TextDecoder().decode(input));
        expect(JSON.stringify(JSON.parse(new TextDecoder().decode(encodeJson(value))))).toBe(
          JSON.stringify(theirs), // as text: -0 is 0
        );
      }),
      { numRuns: 5000 },
    );
    expect(parsed).toBeGreaterThan(500);
  });

  it("the four documents and the envelope of arbitrary objects", () => {
    fc.assert(
      fc.property(anyObject, (signed) => {
        for (const decode of [decodeRoot, decodeTimestamp, decodeSnapshot, decodeTargets])
          attempt(() => decode(signed));
        attempt(() => parseEnvelope(encodeJson(signed), "fuzz"));
      }),
      { numRuns: 2000 },
    );
  });

  it("keys and signatures of arbitrary bytes", async () => {
    const head = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");
    const der = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc.uint8Array({ maxLength: 80 }).map((tail) => Uint8Array.from([0x30, tail.length, ...tail])),
      fc.uint8Array({ minLength: 60, maxLength: 70 }).map((tail) => Uint8Array.from([...head, ...tail])),
    );
    await fc.assert(
      fc.asyncProperty(der, fc.string(), async (bytes, text) => {
        attempt(() => p256Point(bytes));
        attempt(() => rsaBits(bytes));
        attempt(() => spkiFromPem(text));
        const raw = rawSignature(bytes);
        expect([undefined, 64]).toContain(raw?.length);
        expect(await ecdsaP256(bytes, bytes, bytes)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it("a whole refresh over files with one byte changed is either refused or changes nothing", async () => {
    const repository = await HostileRepository.create();
    const honest = new Map(repository.files);
    const change = fc.record({
      name: fc.constantFrom("timestamp.json", "1.snapshot.json", "1.targets.json"),
      at: fc.nat(),
      byte: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ name, at, byte }) => {
        const bytes = Uint8Array.from(honest.get(name) ?? []);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ byte;
        repository.files.set(name, bytes);
        const client = new TestClient(repository);
        const code = await outcome(client.refresh());
        repository.files.set(name, honest.get(name) ?? bytes);
        expect(["parse", "trust"]).toContain(code);
      }),
      { numRuns: 150 },
    );
  });
});
