import { fromBase64, utf8 } from "../bytes.ts";
import type { Cryptography, SecretJwk, Signer } from "../crypto/cryptography.ts";
import { type Decoder, secretJson } from "../decode.ts";
import { RebootlessError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { MAX_SMALL_VALUES } from "../limits.ts";
import { canonicalJson } from "./canonical_json.ts";
import { ed25519Key, type PublicKey } from "./keys.ts";
import { envelope } from "./metadata.ts";
import type { Root } from "./schema.ts";
import { roleOf } from "./trusted_set.ts";

export type OnlineRole = "snapshot" | "timestamp";
/** All keys that the edge holds for each role: one, or during a rotation the old one and the new one. */
export type OnlineKeys = Readonly<Record<OnlineRole, readonly OnlineKey[]>>;

/** A private key that the edge holds. Whoever has it can delay what a host sees, but not forge it. */
export interface OnlineKey {
  readonly public: PublicKey;
  /** Returns 64 bytes. */
  readonly sign: Signer;
}

/** How many keys a role may have: the one in force, the next one, and room for a mistake. */
const MAX_KEYS = 4;

/**
 * Decodes private keys. The errors name members, never values.
 *
 * @param text an Ed25519 private key (RFC 8037, JWK) as JSON, or an array of such keys.
 * @param what names the text in messages.
 * @throws ParseError
 */
export async function onlineKeys(
  text: Uint8Array,
  crypto: Cryptography,
  what = "JWK",
): Promise<readonly OnlineKey[]> {
  const value = secretJson(text, what, MAX_SMALL_VALUES);
  const list = Array.isArray(value.value) ? value.array(MAX_KEYS) : [value];
  if (list.length === 0) return value.fail("no key");
  return Promise.all(list.map((key) => onlineKey(key, crypto)));
}

async function onlineKey(key: Decoder, crypto: Cryptography): Promise<OnlineKey> {
  const kty = key.get("kty");
  const crv = key.get("crv");
  if (kty.value !== "OKP" || crv.value !== "Ed25519") key.fail("not an Ed25519 key (kty OKP, crv Ed25519)");
  const x = key.get("x").string();
  const d = key.get("d");
  if (typeof d.value !== "string") return key.fail("has no private part (d)");
  const sign = await openSecret({ x, d: d.value }, key, crypto);
  const publicKey = key.get("x").as(fromBase64Url);
  const probe = utf8("rebootless: do the halves of this key belong together?");
  if (!(await crypto.ed25519(publicKey, probe, await sign(probe)))) key.fail("x and d are not of one key");
  return { public: ed25519Key(publicKey), sign };
}

/**
 * Signs a document for a role with the first key that the root in force names and the edge holds, under the id that the
 * root has for it.
 *
 * @throws RebootlessError `config` where there is no such key.
 */
export async function signOnline(
  role: OnlineRole,
  signed: JsonObject,
  keys: OnlineKeys,
  root: Root,
): Promise<Uint8Array> {
  const named = namedKey(role, keys, root);
  if (!named) {
    const binding = `${role.toUpperCase()}_KEY`;
    throw new RebootlessError(
      "config",
      `${binding} is not a ${role} key of root version ${root.version}, the one in force`,
    );
  }
  return envelope(signed, [{ keyId: named.keyId, signature: await named.key.sign(canonicalJson(signed)) }]);
}

/**
 * Finds the key to sign with, in the root's order: while the root names the old key and the new one, the old one signs.
 */
export function namedKey(
  role: OnlineRole,
  keys: OnlineKeys,
  root: Root,
): { readonly keyId: string; readonly key: OnlineKey } | undefined {
  for (const keyId of roleOf(root, role).keyIds) {
    const key = keys[role].find((own) => sameKey(root.keys.get(keyId), own.public));
    if (key) return { keyId, key };
  }
  return undefined;
}

const sameKey = (known: PublicKey | undefined, own: PublicKey): boolean =>
  known?.scheme === own.scheme && known.keytype === own.keytype && known.public === own.public;

async function openSecret(secret: SecretJwk, key: Decoder, crypto: Cryptography): Promise<Signer> {
  try {
    return await crypto.ed25519Signer(secret);
  } catch {
    // The cause is left out: a cryptographic library's message may quote what it was given.
    return key.fail("is not a usable Ed25519 private key");
  }
}

const fromBase64Url = (text: string): Uint8Array =>
  fromBase64(
    text
      .replaceAll("-", "+")
      .replaceAll("_", "/")
      .padEnd(4 * Math.ceil(text.length / 4), "="),
  );
