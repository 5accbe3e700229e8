import { describe, expect, it } from "vitest";
import {
  decodeSealedSeed,
  openSeed,
  SCRYPT_COST,
  sealedSeedToJson,
  sealSeed,
} from "../../../publisher/keys/sealed_seed.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { Decoder } from "../../../shared/decode.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../shared/json.ts";
import { flipBit } from "./flip_bit.ts";

const CHEAP = { logN: 10, r: 8, p: 1 };
const seed = new Uint8Array(32).fill(7);
const bound = utf8("what stands beside it");
const passphrase = "correct horse battery";

const decode = (json: JsonValue) => decodeSealedSeed(new Decoder(json, "key"));

describe("a seed sealed with a passphrase", () => {
  it("opens with it, after a turn through JSON", async () => {
    const json = sealedSeedToJson(await sealSeed(seed, passphrase, bound, CHEAP));
    expect(await openSeed(decode(json), passphrase, bound)).toEqual(Buffer.from(seed));
  });

  it("opens however the keyboard spells the passphrase", async () => {
    const sealed = await sealSeed(seed, "mot de passe fran\u00e7ais", bound, CHEAP);
    expect(await openSeed(sealed, "mot de passe franc\u0327ais", bound)).toEqual(Buffer.from(seed));
  });

  it("stays shut for another passphrase, and where anything was changed", async () => {
    const sealed = await sealSeed(seed, passphrase, bound, CHEAP);
    const shut = [
      openSeed(sealed, `${passphrase} `, bound),
      openSeed(sealed, passphrase, utf8("another key stands beside it")),
      openSeed({ ...sealed, salt: flipBit(sealed.salt) }, passphrase, bound),
      openSeed({ ...sealed, nonce: flipBit(sealed.nonce) }, passphrase, bound),
      openSeed({ ...sealed, sealed: flipBit(sealed.sealed) }, passphrase, bound),
      openSeed({ ...sealed, cost: { ...CHEAP, logN: 11 } }, passphrase, bound),
    ];
    for (const each of shut) expect(await each).toBeUndefined();
  });

  it("is never sealed the same way twice", async () => {
    const [one, two] = [await sealSeed(seed, passphrase, bound), await sealSeed(seed, passphrase, bound)];
    expect(one.cost).toEqual(SCRYPT_COST);
    for (const part of ["salt", "nonce", "sealed"] as const) expect(one[part]).not.toEqual(two[part]);
  });
});

describe("a hostile key file", () => {
  it.each<readonly [string, string, string, JsonValue]>([
    ["all of memory", "kdf", "log_n", 30],
    ["more than 256 MB", "kdf", "log_n", 19],
    ["hours", "kdf", "p", 1_000_000],
    ["another block size", "kdf", "r", 1024],
    ["another derivation", "kdf", "name", "md5"],
    ["a short salt", "kdf", "salt", "00"],
    ["another cipher", "aead", "name", "none"],
    ["a short nonce", "aead", "nonce", "00"],
  ])("that asks for %s is refused before any work", async (_, part, name, value) => {
    const json = new Map(sealedSeedToJson(await sealSeed(seed, passphrase, bound, CHEAP)));
    json.set(part, changed(json.get(part), name, value));
    expect(() => decode(json)).toThrow(expect.objectContaining({ code: "parse" }));
  });

  it.each(["", "00".repeat(47), "00".repeat(49), "G".repeat(96)])(
    "with %s for its secret",
    async (sealed) => {
      const json = new Map(sealedSeedToJson(await sealSeed(seed, passphrase, bound, CHEAP)));
      expect(() => decode(json.set("sealed", sealed))).toThrow("not 96 hex digits");
    },
  );
});

function changed(object: JsonValue | undefined, name: string, value: JsonValue): JsonObject {
  if (!isJsonObject(object)) throw new Error("not an object");
  return new Map(object).set(name, value);
}
