import { createHash } from "node:crypto";
import nacl from "tweetnacl";
import { describe, expect, it } from "vitest";
import { ed25519Secret, openSsl } from "../../../node/crypto.ts";
import { concatBytes, fromHex, utf8 } from "../../../shared/bytes.ts";
import { isSoundPublicKey, SMALL_ORDER_Y } from "../../../shared/crypto/ed25519.ts";
import { ed25519 as tweetnacl } from "../../../shared/crypto/ed25519_tweetnacl.ts";
import { webCrypto } from "../../../shared/crypto/web_crypto.ts";
import {
  encode,
  fromLittleEndian,
  isOnCurve,
  L,
  littleEndian,
  P,
  torsionPoints,
  withY,
} from "./edwards25519.ts";

/** RFC 8032 section 7.1: seed, public key, message, signature. */
const VECTORS = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
  [
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    createHash("sha512").update("abc").digest("hex"),
    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  ],
] as const;

const SEED = fromHex(VECTORS[1][0]);
const PUBLIC = fromHex(VECTORS[1][1]);
const MESSAGE = utf8("an update");
const GOOD = ed25519Secret(SEED).sign(MESSAGE);

const changed = (bytes: Uint8Array, at: number, by = 1): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ by : byte));
const withS = (s: bigint): Uint8Array => concatBytes([GOOD.subarray(0, 32), littleEndian(s)]);
const S = fromLittleEndian(GOOD.subarray(32));

/** A signature of MESSAGE by the key of SEED whose R is the identity, in the encoding given. */
function withIdentityR(encoding: Uint8Array, message: Uint8Array): Uint8Array {
  const hash = createHash("sha512").update(SEED).digest();
  const secret = fromLittleEndian(nacl.box.keyPair.fromSecretKey(hash.subarray(0, 32)).secretKey);
  const clamped = (secret & ((1n << 254n) - 8n)) | (1n << 254n);
  const k = fromLittleEndian(createHash("sha512").update(encoding).update(PUBLIC).update(message).digest());
  return concatBytes([encoding, littleEndian((k * clamped) % L)]);
}

describe.each([
  ["tweetnacl", tweetnacl],
  ["OpenSSL", openSsl.ed25519],
  ["WebCrypto", webCrypto().ed25519],
])("Ed25519 through %s", (_name, verify) => {
  it.each(VECTORS)("takes the vector of RFC 8032 with the seed %s", async (seed, key, message, signature) => {
    expect(ed25519Secret(fromHex(seed)).publicKey).toEqual(fromHex(key));
    expect(ed25519Secret(fromHex(seed)).sign(fromHex(message))).toEqual(fromHex(signature));
    expect(await verify(fromHex(key), fromHex(message), fromHex(signature))).toBe(true);
    expect(await verify(fromHex(key), concatBytes([fromHex(message), utf8("x")]), fromHex(signature))).toBe(
      false,
    );
  });

  it("takes a good signature, which every test below starts from", async () => {
    expect(await verify(PUBLIC, MESSAGE, GOOD)).toBe(true);
  });

  it.each([0, 31, 32, 62])("refuses a signature with byte %i changed", async (at) => {
    expect(await verify(PUBLIC, MESSAGE, changed(GOOD, at))).toBe(false);
  });

  it.each<[string, Uint8Array]>([
    ["S + L: the same signature in another encoding", withS(S + L)],
    ["S + 2L", withS(S + 2n * L)],
    ["S = L", withS(L)],
    ["S = 0", withS(0n)],
    ["S = L - 1", withS(L - 1n)],
    ["S of all ones", withS((1n << 256n) - 1n)],
    ["S with its highest bit set", changed(GOOD, 63, 0x80)],
    ["an R of zeroes", concatBytes([new Uint8Array(32), GOOD.subarray(32)])],
    ["all zeroes", new Uint8Array(64)],
    ["nothing", new Uint8Array(0)],
    ["half of it", GOOD.subarray(0, 32)],
    ["one byte less", GOOD.subarray(0, 63)],
    ["one byte more", concatBytes([GOOD, Uint8Array.of(0)])],
    ["R and S in each other's place", concatBytes([GOOD.subarray(32), GOOD.subarray(0, 32)])],
  ])("refuses %s", async (_what, signature) => {
    expect(await verify(PUBLIC, MESSAGE, signature)).toBe(false);
  });

  it.each<[string, Uint8Array]>([
    ["another key", fromHex(VECTORS[0][1])],
    ["a key with its sign bit changed", changed(PUBLIC, 31, 0x80)],
    ["a y that no point has", encode({ x: 0n, y: [2n, 7n, 8n, 11n].find((y) => !withY(y)) ?? 0n })],
    ["31 bytes", PUBLIC.subarray(0, 31)],
    ["33 bytes", concatBytes([PUBLIC, Uint8Array.of(0)])],
    ["no bytes", new Uint8Array(0)],
    ["all ones", new Uint8Array(32).fill(0xff)],
  ])("refuses %s for the key", async (_what, key) => {
    expect(await verify(key, MESSAGE, GOOD)).toBe(false);
  });

  it("refuses an R that is not canonical, in a signature that holds for R as it is meant", async () => {
    // y = 1 once more as p + 1, and the identity with a sign that zero does not have.
    for (const encoding of [
      littleEndian(P + 1n),
      encode({ x: 0n, y: 1n }, 1n),
      littleEndian((P + 1n) | (1n << 255n)),
    ]) {
      expect(await verify(PUBLIC, MESSAGE, withIdentityR(encoding, MESSAGE))).toBe(false);
    }
  });

  it("refuses every key of small order, in every encoding, for signatures that anybody can make", async () => {
    for (const key of smallOrderKeys()) {
      for (const signature of forgeries()) expect(await verify(key, MESSAGE, signature)).toBe(false);
    }
  });

  it("refuses y and y + p for one another", async () => {
    for (let y = 0n; y < 19n; y++) {
      expect(await verify(littleEndian(y + P), MESSAGE, GOOD)).toBe(false);
      expect(isSoundPublicKey(littleEndian(y + P))).toBe(false);
    }
  });
});

/** The eight points in their canonical encodings and in those that other libraries take, too. */
function smallOrderKeys(): Uint8Array[] {
  return torsionPoints().flatMap((point) => {
    const ys = point.y < 19n ? [point.y, point.y + P] : [point.y];
    return ys.flatMap((y) => [encode({ x: point.x, y }, 0n), encode({ x: point.x, y }, 1n)]);
  });
}

/** R of small order and S = 0: SB = R + kA holds for a key of small order in one case of eight at the least. */
const forgeries = (): Uint8Array[] =>
  torsionPoints().map((point) => concatBytes([encode(point), new Uint8Array(32)]));

it.each([0, 31, 33, 64])("OpenSSL opens no secret key of %i bytes", (length) => {
  expect(() => ed25519Secret(new Uint8Array(length))).toThrow();
});

describe("the points of small order", () => {
  it("are eight, on the curve, and have the five y coordinates that are refused", () => {
    const points = torsionPoints();
    expect(points.every(isOnCurve)).toBe(true);
    expect(new Set(points.map(({ x, y }) => `${x} ${y}`)).size).toBe(8);
    expect(new Set(points.map(({ y }) => y))).toEqual(new Set(SMALL_ORDER_Y));
  });

  it("would be taken without the strict rule: anybody could sign for such a key", () => {
    const taken = smallOrderKeys().filter((key) =>
      forgeries().some((signature) => nacl.sign.detached.verify(MESSAGE, signature, key)),
    );
    expect(taken.length).toBeGreaterThan(0);
  });

  it("are not what keys are: a thousand of them are sound", () => {
    for (let i = 0; i < 1000; i++) expect(isSoundPublicKey(nacl.sign.keyPair().publicKey)).toBe(true);
  });

  it("S + L would be taken by tweetnacl alone", () => {
    expect(nacl.sign.detached.verify(MESSAGE, withS(S + L), PUBLIC)).toBe(true);
  });
});
