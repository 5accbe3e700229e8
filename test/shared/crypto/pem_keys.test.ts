import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { digests } from "../../../node/crypto.ts";
import { concatBytes, fromHex, toHex, utf8 } from "../../../shared/bytes.ts";
import { ecdsaP256, rawSignature } from "../../../shared/crypto/ecdsa_p256.ts";
import { ed25519 } from "../../../shared/crypto/ed25519_tweetnacl.ts";
import { rsaPss } from "../../../shared/crypto/rsa_pss.ts";
import { p256Point, rsaBits, spkiFromPem } from "../../../shared/crypto/spki.ts";
import { ParseError } from "../../../shared/errors.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { keyIdentity, signatureVerifier } from "../../../shared/tuf/keys.ts";
import { TrustedSet } from "../../../shared/tuf/trusted_set.ts";
import { HostileRepository, type Key, NOW } from "../../support/hostile_repository.ts";
import { outcome } from "../../support/hostile_repository_client.ts";

const MESSAGE = utf8("an update");
const pemOf = (key: KeyObject): string => key.export({ type: "spki", format: "pem" }).toString();
const derOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ type: "spki", format: "der" }));

const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const otherP256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const point = p256Point(spkiFromPem(pemOf(p256.publicKey)));
const ecdsaSign = (message: Uint8Array) => new Uint8Array(sign("sha256", message, p256.privateKey));
const pssSign = (message: Uint8Array, saltLength: number, hash = "sha256", key = rsa.privateKey) =>
  new Uint8Array(sign(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));

const verify = signatureVerifier({
  ed25519,
  "ecdsa-sha2-nistp256": ecdsaP256,
  "rsassa-pss-sha256": rsaPss,
});
const ecdsaKey = { keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256", public: pemOf(p256.publicKey) };
const rsaKey = { keytype: "rsa", scheme: "rsassa-pss-sha256", public: pemOf(rsa.publicKey) };

describe("ECDSA on P-256", () => {
  it("takes a hundred signatures in DER, whatever the lengths of r and s", async () => {
    for (let i = 0; i < 100; i++) {
      const message = utf8(`message ${i}`);
      expect(await ecdsaP256(point, message, ecdsaSign(message))).toBe(true);
      expect(await ecdsaP256(point, MESSAGE, ecdsaSign(message))).toBe(false);
    }
  });

  const good = ecdsaSign(MESSAGE);
  const raw = rawSignature(good) ?? new Uint8Array(64);
  const integer = (bytes: Uint8Array) => concatBytes([Uint8Array.of(2, bytes.length), bytes]);
  const pair = (r: Uint8Array, s: Uint8Array) => {
    const body = concatBytes([integer(r), integer(s)]);
    return concatBytes([Uint8Array.of(0x30, body.length), body]);
  };
  const zero = Uint8Array.of(0);
  const positive = (bytes: Uint8Array) => ((bytes[0] ?? 0) >= 0x80 ? concatBytes([zero, bytes]) : bytes);
  const [r, s] = [positive(raw.subarray(0, 32)), positive(raw.subarray(32))];
  // The order of the group: n - s is as good as s, and s + n is not.
  const N = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const plus = (bytes: Uint8Array, n: bigint) =>
    fromHex((BigInt(`0x${toHex(bytes)}`) + n).toString(16).padStart(66, "0"));

  it("starts from a good signature", async () => {
    expect(await ecdsaP256(point, MESSAGE, good)).toBe(true);
  });

  it.each<[string, Uint8Array]>([
    ["r and s without their envelope", raw],
    ["a length in two bytes where one does", concatBytes([Uint8Array.of(0x30, 0x81), good.subarray(1)])],
    ["an indefinite length", concatBytes([Uint8Array.of(0x30, 0x80), good.subarray(2), Uint8Array.of(0, 0)])],
    ["a zero too many before r", pair(concatBytes([zero, zero, r]), s)],
    ["a negative r", pair(concatBytes([Uint8Array.of(0x80), r]), s)],
    ["an empty integer", pair(new Uint8Array(0), s)],
    ["r = 0", pair(zero, s)],
    ["s = 0", pair(r, zero)],
    ["s + n", pair(r, plus(s, N))],
    ["one byte more after it", concatBytes([good, zero])],
    ["one byte less", good.subarray(0, -1)],
    [
      "a third integer",
      concatBytes([Uint8Array.of(0x30, (good[1] ?? 0) + 3), good.subarray(2), integer(zero)]),
    ],
    ["another tag", concatBytes([Uint8Array.of(0x31), good.subarray(1)])],
    ["nothing", new Uint8Array(0)],
    ["r and s in each other's place", pair(s, r)],
  ])("refuses %s", async (_what, signature) => {
    expect(await ecdsaP256(point, MESSAGE, signature)).toBe(false);
  });

  it("refuses an r that would be right but for the zero that makes it positive", async () => {
    let [signature, both] = [good, raw];
    while ((both[0] ?? 0) < 0x80) {
      signature = ecdsaSign(MESSAGE);
      both = rawSignature(signature) ?? raw;
    }
    expect(await ecdsaP256(point, MESSAGE, signature)).toBe(true);
    const negative = pair(both.subarray(0, 32), positive(both.subarray(32)));
    expect(await ecdsaP256(point, MESSAGE, negative)).toBe(false);
  });

  it("refuses the signature by another key", async () => {
    expect(await ecdsaP256(p256Point(derOf(otherP256.publicKey)), MESSAGE, good)).toBe(false);
  });

  it("refuses a point that is not on the curve, and none at all", async () => {
    const off = point.map((byte, i) => (i === 64 ? byte ^ 1 : byte));
    for (const key of [off, new Uint8Array(65), new Uint8Array(0), concatBytes([point, zero])]) {
      expect(await ecdsaP256(key, MESSAGE, good)).toBe(false);
    }
  });
});

describe("RSASSA-PSS", () => {
  it.each([32, 222])("takes a signature with a salt of %i bytes", async (salt) => {
    expect(await rsaPss(derOf(rsa.publicKey), MESSAGE, pssSign(MESSAGE, salt))).toBe(true);
    expect(await rsaPss(derOf(rsa.publicKey), utf8("another"), pssSign(MESSAGE, salt))).toBe(false);
  });

  it.each<[string, Uint8Array]>([
    ["PKCS #1 v1.5", new Uint8Array(sign("sha256", MESSAGE, rsa.privateKey))],
    ["another hash", pssSign(MESSAGE, 32, "sha512")],
    ["a salt of another length", pssSign(MESSAGE, 20)],
    ["one byte more", concatBytes([pssSign(MESSAGE, 32), Uint8Array.of(0)])],
    ["nothing", new Uint8Array(0)],
    ["zeroes", new Uint8Array(256)],
  ])("refuses %s", async (_what, signature) => {
    expect(await rsaPss(derOf(rsa.publicKey), MESSAGE, signature)).toBe(false);
  });

  it("knows the size of a key, and takes none that is too short or too long (4.2)", () => {
    expect(rsaBits(derOf(rsa.publicKey))).toBe(2048);
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
    expect(() => rsaBits(derOf(short.publicKey))).toThrow(/1024 bits/);
    const odd = generateKeyPairSync("rsa", { modulusLength: 2050 });
    expect(rsaBits(derOf(odd.publicKey))).toBe(2050);
  });

  it("takes signatures by a key of odd size, with either salt", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2050 });
    for (const salt of [32, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
      expect(await rsaPss(derOf(publicKey), MESSAGE, pssSign(MESSAGE, salt, "sha256", privateKey))).toBe(
        true,
      );
    }
  });

  it.each([
    ["more after it", (der: Uint8Array) => concatBytes([der, Uint8Array.of(0)])],
    ["less than it says", (der: Uint8Array) => der.subarray(0, -1)],
    ["an exponent of 1", (der: Uint8Array) => concatBytes([der.subarray(0, -5), fromHex("0203000001")])],
    ["an even exponent", (der: Uint8Array) => concatBytes([der.subarray(0, -1), Uint8Array.of(0)])],
  ])("refuses a key with %s", (_what, tamper) => {
    expect(() => rsaBits(tamper(derOf(rsa.publicKey)))).toThrow(ParseError);
  });
});

describe("keys in PEM", () => {
  const pem = pemOf(p256.publicKey);
  const body = pem.split("\n").slice(1, -2).join("");
  const wrapped = (width: number, end: string) =>
    [
      `-----BEGIN PUBLIC KEY-----`,
      ...(body.match(new RegExp(`.{1,${width}}`, "g")) ?? []),
      `-----END PUBLIC KEY-----`,
    ].join(end);

  it("are one key however the text is wrapped", () => {
    const ways = [pem, wrapped(64, "\n"), wrapped(76, "\r\n"), wrapped(10, "\n"), `${pem}\n \n`];
    const identities = new Set(ways.map((text) => keyIdentity({ ...ecdsaKey, public: text })));
    expect(identities.size).toBe(1);
    expect(identities.has(undefined)).toBe(false);
    expect(keyIdentity({ ...ecdsaKey, keytype: "ecdsa-sha2-nistp256" })).toBe(keyIdentity(ecdsaKey));
    expect(keyIdentity({ ...ecdsaKey, public: pemOf(otherP256.publicKey) })).not.toBe(keyIdentity(ecdsaKey));
  });

  it.each([
    ["text before it", `x${pem}`],
    ["text after it", `${pem}x`],
    ["another label", pem.replaceAll("PUBLIC KEY", "CERTIFICATE")],
    ["a private key", p256.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["a space inside", pem.replace("MFkw", "MFkw ")],
    ["no lines", pem.replaceAll("\n", "")],
    ["spare bits in its base64", wrapped(64, "\n").replace(/=*\n-----END/, "A=\n-----END")],
    ["hex", toHex(point)],
    ["nothing", ""],
  ])("with %s are no keys", async (_what, text) => {
    const key = { ...ecdsaKey, public: text };
    expect(keyIdentity(key)).toBeUndefined();
    expect(await verify(key, MESSAGE, ecdsaSign(MESSAGE))).toBe(false);
  });

  it("of another curve, of RSA where ECDSA is said, and compressed, are refused", () => {
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const secp256k1 = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
    for (const key of [p384, secp256k1, rsa]) {
      expect(() => p256Point(derOf(key.publicKey))).toThrow(ParseError);
      expect(keyIdentity({ ...ecdsaKey, public: pemOf(key.publicKey) })).toBeUndefined();
    }
    expect(() => rsaBits(derOf(p256.publicKey))).toThrow(ParseError);
  });

  it("verify under their own keytype and scheme alone", async () => {
    expect(await verify(ecdsaKey, MESSAGE, ecdsaSign(MESSAGE))).toBe(true);
    expect(await verify(rsaKey, MESSAGE, pssSign(MESSAGE, 32))).toBe(true);
    expect(await verify({ ...ecdsaKey, keytype: "rsa" }, MESSAGE, ecdsaSign(MESSAGE))).toBe(false);
    expect(await verify({ ...ecdsaKey, scheme: "ed25519" }, MESSAGE, ecdsaSign(MESSAGE))).toBe(false);
    expect(await verify({ ...rsaKey, scheme: "rsa-pkcs1v15-sha256" }, MESSAGE, pssSign(MESSAGE, 32))).toBe(
      false,
    );
    expect(await verify({ ...rsaKey, scheme: "constructor" }, MESSAGE, pssSign(MESSAGE, 32))).toBe(false);
  });

  it("are not verified by who has no verifier for them", async () => {
    expect(await signatureVerifier({ ed25519 })(ecdsaKey, MESSAGE, ecdsaSign(MESSAGE))).toBe(false);
  });
});

describe("a root of trust with keys of all kinds", () => {
  const rootKeys: Key[] = [
    { id: "ec", public: ecdsaKey, sign: ecdsaSign },
    { id: "rsa", public: rsaKey, sign: (message) => pssSign(message, 32) },
  ];

  async function rootOf(keys: Key[], threshold: number, signers = keys): Promise<Uint8Array> {
    const repository = await HostileRepository.create();
    Object.assign(repository.roles.root, { keys, signers, threshold });
    return repository.publishRoot();
  }

  it("needs each of them", async () => {
    expect(
      await outcome(TrustedSet.fromRoot(await rootOf(rootKeys, 2), { digests, verify }, enforcedAt(NOW))),
    ).toBe("ok");
    const half = await rootOf(rootKeys, 2, rootKeys.slice(0, 1));
    expect(await outcome(TrustedSet.fromRoot(half, { digests, verify }, enforcedAt(NOW)))).toBe("trust");
  });

  it("counts one key once, though its text is wrapped in two ways under two ids and two keytypes", async () => {
    const [key] = rootKeys;
    if (!key) throw new Error("no key");
    const rewrapped = { ...ecdsaKey, keytype: "ecdsa-sha2-nistp256", public: `${ecdsaKey.public}\n` };
    const twice = [key, { ...key, id: "again", public: rewrapped }];
    expect(
      await outcome(TrustedSet.fromRoot(await rootOf(twice, 1), { digests, verify }, enforcedAt(NOW))),
    ).toBe("ok");
    expect(
      await outcome(TrustedSet.fromRoot(await rootOf(twice, 2), { digests, verify }, enforcedAt(NOW))),
    ).toBe("trust");
  });
});
