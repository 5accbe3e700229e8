import { createPublicKey, verify } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { privateJwk, publicJwk } from "../../../publisher/keys/jwk.ts";
import { keyFromSeed, type SigningKey } from "../../../publisher/keys/key_file.ts";
import { signWithSecrets } from "../../../publisher/keys/sign.ts";
import { fromHex } from "../../../shared/bytes.ts";
import { jsonObject } from "../../../shared/json.ts";
import { canonicalJson } from "../../../shared/tuf/canonical_json.ts";
import { parseEnvelope } from "../../../shared/tuf/schema.ts";

let keys: readonly SigningKey[];
beforeAll(async () => {
  keys = [await keyFromSeed(new Uint8Array(32).fill(1)), await keyFromSeed(new Uint8Array(32).fill(2))];
});

const document = jsonObject({ version: 1, _type: "targets", b: [1, "é"] });

describe("signing", () => {
  it("signs the canonical form with each key, as another implementation agrees", () => {
    const { signed, signatures } = parseEnvelope(signWithSecrets(document, keys), "targets");
    expect([...signed]).toEqual([...document]);
    expect([...signatures.keys()]).toEqual(keys.map(({ id }) => id));
    for (const key of keys) {
      const jwk = { ...publicJwk(key) } as Record<string, string>;
      const publicKey = createPublicKey({ key: jwk, format: "jwk" });
      const signature = fromHex(signatures.get(key.id) ?? "");
      expect(verify(null, canonicalJson(document), publicKey, signature)).toBe(true);
      expect(verify(null, canonicalJson(jsonObject({ version: 2 })), publicKey, signature)).toBe(false);
    }
  });

  it("gives the same bytes each time", () => {
    expect(signWithSecrets(document, keys)).toEqual(signWithSecrets(document, keys));
  });

  it("keeps the secret out of the public key", () => {
    for (const key of keys) {
      expect(Object.keys(publicJwk(key)).sort()).toEqual(["crv", "kty", "x"]);
      expect(privateJwk(key)).toMatchObject({
        ...publicJwk(key),
        d: Buffer.from(key.seed).toString("base64url"),
      });
    }
  });
});
