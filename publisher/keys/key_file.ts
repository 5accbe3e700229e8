import { randomBytes } from "node:crypto";
import { digests, ed25519Secret } from "../../node/crypto.ts";
import { writeDurably } from "../../node/files.ts";
import { toHex } from "../../shared/bytes.ts";
import { isSoundPublicKey } from "../../shared/crypto/ed25519.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import { isOwner } from "../../shared/tuf/key_owner.ts";
import { ed25519Key, keyId, type PublicKey } from "../../shared/tuf/keys.ts";
import { readSecretFile, writeSecretFile } from "./owner_only.ts";
import type { PassphraseSource } from "./passphrase.ts";
import { P256, p256Key } from "./public_key.ts";
import {
  decodeSealedSeed,
  hexBytes,
  openSeed,
  type ScryptCost,
  type SealedSeed,
  sealedSeedToJson,
  sealSeed,
} from "./sealed_seed.ts";

/** A secret key and its public part. */
export interface SigningKey {
  readonly id: string;
  readonly key: PublicKey;
  /** The Ed25519 seed of 32 bytes. */
  readonly seed: Uint8Array;
}

/**
 * The roles that a key can be made for. The role in a key file is a label that prevents mistakes; the root of
 * trust decides what a key may sign.
 */
export const KEY_ROLES = ["root", "targets", "snapshot", "timestamp", "token"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** The public facts in a key file. */
export interface KeyFacts {
  readonly id: string;
  readonly key: PublicKey;
  readonly role: KeyRole | undefined;
}

/** A key file that was read but not decrypted. */
export interface KeyFile extends KeyFacts {
  /** The secret, encrypted or not; undefined if it is kept elsewhere, where a program signs with it. */
  readonly secret: SealedSeed | Uint8Array | undefined;
}

/** The way in which a key's secret is stored. */
export type AtRest = "encrypted" | "not encrypted" | "elsewhere";

export function atRest({ secret }: KeyFile): AtRest {
  if (secret === undefined) return "elsewhere";
  return secret instanceof Uint8Array ? "not encrypted" : "encrypted";
}

/** The choices for writing a key file. */
export interface Protection {
  /** The passphrase that encrypts the seed; undefined to store the seed unencrypted. */
  readonly passphrase: string | undefined;
  readonly role?: KeyRole | undefined;
  readonly cost?: ScryptCost;
}

const FORMAT = 2;
const MAX_KEY_FILE_BYTES = 16 * 1024;
/** The longest PEM text that is accepted, in characters. A P-256 key takes 178. */
const MAX_PEM = 1024;
const PASSPHRASE_ATTEMPTS = 3;

/** Makes a new Ed25519 key. @param owner the name of the key's owner, for people. */
export async function newKey(owner?: string): Promise<SigningKey> {
  return keyFromSeed(randomBytes(32), owner);
}

export async function keyFromSeed(seed: Uint8Array, owner?: string): Promise<SigningKey> {
  const key = ownedBy(ed25519Key(ed25519Secret(seed).publicKey), owner);
  return { id: await keyId(key, digests), key, seed };
}

/** Writes a new key file. @throws RebootlessError `config` if the file already exists. */
export async function writeKeyFile(path: string, key: SigningKey, protection: Protection): Promise<void> {
  await writeSecretFile(path, await encodeKeyFile(key, protection));
}

/**
 * Writes the file of a key whose secret is kept elsewhere.
 *
 * @throws RebootlessError `config` if the file already exists.
 */
export async function writeExternalKeyFile(path: string, { key, role }: Omit<KeyFacts, "id">): Promise<void> {
  const secret = jsonObject({ protection: "external" });
  await writeSecretFile(path, encodeJson(new Map([...publicPart(key, role), ["private", secret] as const])));
}

/** Replaces a key file with the same key under another protection. */
export async function rewriteKeyFile(path: string, key: SigningKey, protection: Protection): Promise<void> {
  await writeDurably(path, await encodeKeyFile(key, protection), 0o600);
}

/** Writes the public part of a key file, which `--add-key` takes. */
export function encodePublicKey({ key, role }: Omit<KeyFacts, "id">): Uint8Array {
  return encodeJson(publicPart(key, role));
}

/**
 * Reads a key file. No error message contains the secret.
 *
 * @throws RebootlessError `config` for a file that others can read, `parse` for one that is not a key.
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const { file, facts } = await decodePublicPart(await readSecretFile(path, MAX_KEY_FILE_BYTES), path);
  const secret = file.get("private");
  const protection = secret.get("protection");
  if (protection.value === "external") return { ...facts, secret: undefined };
  file.get("scheme").literal("ed25519");
  if (protection.value !== "none") {
    protection.literal("passphrase");
    return { ...facts, secret: decodeSealedSeed(secret) };
  }
  const seed = hexBytes(secret.get("seed"), 32);
  requireOwn(facts, seed, path);
  return { ...facts, secret: seed };
}

/**
 * Reads the public facts of a key.
 *
 * @param bytes the contents of a public key's file or of a key file.
 * @throws RebootlessError `parse`.
 */
export async function decodeKeyFacts(bytes: Uint8Array, path: string): Promise<KeyFacts> {
  return (await decodePublicPart(bytes, path)).facts;
}

/**
 * Opens a key file, and asks for the passphrase if the secret is encrypted.
 *
 * @throws RebootlessError `config` if the passphrase is wrong, or if the file has no secret.
 */
export async function openKeyFile(
  file: KeyFile,
  path: string,
  passphrases: PassphraseSource,
): Promise<SigningKey> {
  const { id, key, role, secret } = file;
  if (secret === undefined) {
    throw new RebootlessError("config", `${path} has only the public part: its secret is kept elsewhere`, {
      hint: "This needs the secret itself, but --sign-command can only sign.",
    });
  }
  if (secret instanceof Uint8Array) return { id, key, seed: secret };
  for (let attempt = 1; attempt <= (passphrases.repeats ? PASSPHRASE_ATTEMPTS : 1); attempt++) {
    const passphrase = await passphrases.passphrase(path, attempt);
    const seed = await openSeed(secret, passphrase, boundPart(key, role));
    if (!seed) continue;
    requireOwn(file, seed, path);
    return { id, key, seed };
  }
  throw wrongPassphrase(path);
}

async function encodeKeyFile({ key, seed }: SigningKey, protection: Protection): Promise<Uint8Array> {
  const { passphrase, role, cost } = protection;
  const secret =
    passphrase === undefined
      ? jsonObject({ protection: "none", seed: toHex(seed) })
      : sealedSeedToJson(await sealSeed(seed, passphrase, boundPart(key, role), cost));
  return encodeJson(new Map([...publicPart(key, role), ["private", secret] as const]));
}

const publicPart = (key: PublicKey, role: KeyRole | undefined): JsonObject =>
  jsonObject({ format: FORMAT, role, owner: key.owner, scheme: key.scheme, public: key.public });

/** Returns the public bytes that the encryption authenticates together with the seed. */
const boundPart = (key: PublicKey, role: KeyRole | undefined): Uint8Array =>
  canonicalJson(publicPart(key, role));

async function decodePublicPart(bytes: Uint8Array, path: string) {
  const file = new Decoder(parseJson(bytes, path, MAX_SMALL_VALUES), path);
  file.get("format").literal(FORMAT);
  const key = ownedBy(decodePublicKey(file), file.get("owner").optional(decodeOwner));
  const facts: KeyFacts = {
    id: await keyId(key, digests),
    key,
    role: file.get("role").optional(decodeKeyRole),
  };
  return { file, facts };
}

function decodePublicKey(file: Decoder): PublicKey {
  const text = file.get("public");
  if (file.get("scheme").value === P256.scheme) return p256Key(text.string(MAX_PEM), text.where);
  file.get("scheme").literal("ed25519");
  const raw = hexBytes(text, 32);
  return isSoundPublicKey(raw) ? ed25519Key(raw) : text.fail("not a sound Ed25519 key");
}

/** Returns the key with another owner, or without one. */
export const ownedBy = (
  { keytype, scheme, public: shown }: PublicKey,
  owner: string | undefined,
): PublicKey => ({
  keytype,
  scheme,
  public: shown,
  ...(owner !== undefined && { owner }),
});

function decodeOwner(owner: Decoder): string {
  const name = owner.string();
  return isOwner(name) ? name : owner.fail("not a valid name of an owner");
}

function decodeKeyRole(role: Decoder): KeyRole {
  const text = role.string();
  return KEY_ROLES.find((known) => known === text) ?? role.fail(`not one of ${KEY_ROLES.join(", ")}`);
}

function requireOwn({ key }: KeyFacts, seed: Uint8Array, path: string): void {
  if (toHex(ed25519Secret(seed).publicKey) === key.public) return;
  new Decoder(null, path).fail("the public key does not belong to the private key");
}

const wrongPassphrase = (path: string): RebootlessError =>
  new RebootlessError("config", `the passphrase does not open ${path}`, {
    hint: "The passphrase is wrong, or the file was changed. A lost passphrase cannot be recovered: the key must be replaced.",
  });
