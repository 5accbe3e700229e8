import { createCipheriv, createDecipheriv, randomBytes, type ScryptOptions, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { fromHex, toHex } from "../../shared/bytes.ts";
import type { Decoder } from "../../shared/decode.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";

/**
 * A seed encrypted with a passphrase: scrypt (RFC 7914) derives the key, and ChaCha20-Poly1305 (RFC 8439)
 * encrypts. Both come from Node. The bytes in `bound` are authenticated with the seed, so that the public key
 * beside it cannot be exchanged.
 */
export interface SealedSeed {
  readonly cost: ScryptCost;
  /** The salt of scrypt, 32 bytes. */
  readonly salt: Uint8Array;
  /** The nonce of ChaCha20-Poly1305, 12 bytes. */
  readonly nonce: Uint8Array;
  /** The encrypted seed of 32 bytes, followed by the tag of 16. */
  readonly sealed: Uint8Array;
}

/** The cost of scrypt, which takes 128 * 2^logN * r bytes of memory and repeats the work p times. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/**
 * The cost of a new key file: 128 MB, and about half a second of one core in 2026, the most that RFC 7914's
 * author and OWASP ask for files.
 */
export const SCRYPT_COST: ScryptCost = { logN: 17, r: 8, p: 1 };

/**
 * The limits on a file's cost. A key file may come from anyone, so opening one takes at most 256 MB and a few
 * seconds.
 */
const MAX_LOG_N = 18;
const MAX_P = 4;

const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEED_BYTES = 32;
const AEAD = "chacha20-poly1305";
const AEAD_OPTIONS = { authTagLength: TAG_BYTES };

const derive = promisify<string, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

export async function sealSeed(
  seed: Uint8Array,
  passphrase: string,
  bound: Uint8Array,
  cost: ScryptCost = SCRYPT_COST,
): Promise<SealedSeed> {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const key = await keyOf(passphrase, salt, cost);
  const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  cipher.setAAD(bound, { plaintextLength: seed.length });
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  key.fill(0);
  return { cost, salt, nonce, sealed };
}

/**
 * Decrypts a seed. Returns undefined if the passphrase is wrong or the file was changed: the two cannot be
 * told apart.
 */
export async function openSeed(
  { cost, salt, nonce, sealed }: SealedSeed,
  passphrase: string,
  bound: Uint8Array,
): Promise<Uint8Array | undefined> {
  const key = await keyOf(passphrase, salt, cost);
  const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
  decipher.setAAD(bound, { plaintextLength: SEED_BYTES });
  decipher.setAuthTag(sealed.subarray(SEED_BYTES));
  key.fill(0);
  const seed = decipher.update(sealed.subarray(0, SEED_BYTES));
  try {
    decipher.final();
    return seed;
  } catch {
    return undefined;
  }
}

/**
 * Derives the key. The passphrase is normalized first (as RFC 8265 asks), because Unicode has several
 * spellings of one text, and keyboards differ in them.
 */
async function keyOf(passphrase: string, salt: Uint8Array, { logN, r, p }: ScryptCost): Promise<Buffer> {
  const N = 2 ** logN;
  return derive(passphrase.normalize("NFC"), salt, 32, { N, r, p, maxmem: 128 * r * (N + p) + 1024 * 1024 });
}

export const sealedSeedToJson = ({ cost, salt, nonce, sealed }: SealedSeed): JsonObject =>
  jsonObject({
    protection: "passphrase",
    kdf: jsonObject({ name: "scrypt", log_n: cost.logN, r: cost.r, p: cost.p, salt: toHex(salt) }),
    aead: jsonObject({ name: AEAD, nonce: toHex(nonce) }),
    sealed: toHex(sealed),
  });

/**
 * Reads an encrypted seed. The cost is limited before any memory is taken.
 *
 * @throws RebootlessError `parse`.
 */
export function decodeSealedSeed(secret: Decoder): SealedSeed {
  const kdf = secret.get("kdf");
  kdf.get("name").literal("scrypt");
  const cost = {
    logN: kdf.get("log_n").integer(10, MAX_LOG_N),
    r: kdf.get("r").literal(8),
    p: kdf.get("p").integer(1, MAX_P),
  };
  const aead = secret.get("aead");
  aead.get("name").literal(AEAD);
  return {
    cost,
    salt: hexBytes(kdf.get("salt"), SALT_BYTES),
    nonce: hexBytes(aead.get("nonce"), NONCE_BYTES),
    sealed: hexBytes(secret.get("sealed"), SEED_BYTES + TAG_BYTES),
  };
}

/** Reads hexadecimal digits without `Decoder.as`, whose message would quote the text. */
export function hexBytes(text: Decoder, length: number): Uint8Array {
  const hex = text.string();
  return /^[0-9a-f]*$/.test(hex) && hex.length === 2 * length
    ? fromHex(hex)
    : text.fail(`not ${2 * length} hex digits`);
}
