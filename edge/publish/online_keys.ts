import { fromBase64, utf8 } from "../../shared/bytes.ts";
import { ed25519 } from "../../shared/crypto/ed25519_webcrypto.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, parseJson } from "../../shared/json.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import { ed25519Key, type PublicKey } from "../../shared/tuf/keys.ts";
import { envelope } from "../../shared/tuf/metadata.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";

export type OnlineRole = "snapshot" | "timestamp";
export type OnlineKeys = Readonly<Record<OnlineRole, OnlineKey>>;

/** A private key that the edge holds. It can delay what a host sees, never forge it. */
export interface OnlineKey {
  readonly public: PublicKey;
  /** 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** @param jwk an Ed25519 private key (RFC 8037) as JSON text. Throws ParseError, which names members, never values. */
export async function onlineKey(jwk: Uint8Array): Promise<OnlineKey> {
  const key = new Decoder(parseJson(jwk, "JWK"), "JWK");
  const kty = key.get("kty");
  const crv = key.get("crv");
  if (kty.value !== "OKP" || crv.value !== "Ed25519") key.fail("not an Ed25519 key (kty OKP, crv Ed25519)");
  const x = key.get("x").string();
  const d = key.get("d");
  if (typeof d.value !== "string") return key.fail("has no private part (d)");
  const secret = await importSecret(x, d.value, key);
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", secret, message as Uint8Array<ArrayBuffer>));
  const publicKey = fromBase64Url(x);
  const probe = utf8("rebootless: do the halves of this key belong together?");
  if (!(await ed25519(publicKey, probe, await sign(probe)))) key.fail("x and d are not of one key");
  return { public: ed25519Key(publicKey), sign };
}

/** Signs a document for a role under the id by which the root in force knows the key; `config` if it knows it not. */
export async function signOnline(
  role: OnlineRole,
  signed: JsonObject,
  keys: OnlineKeys,
  root: Root,
): Promise<Uint8Array> {
  const key = keys[role];
  const keyId = roleOf(root, role).keyIds.find((id) => sameKey(root.keys.get(id), key.public));
  if (keyId === undefined) {
    const binding = `${role.toUpperCase()}_KEY`;
    throw new RebootlessError(
      "config",
      `${binding} is not a ${role} key of root version ${root.version}, the one in force`,
    );
  }
  return envelope(signed, [{ keyId, signature: await key.sign(canonicalJson(signed)) }]);
}

const sameKey = (known: PublicKey | undefined, own: PublicKey): boolean =>
  known?.scheme === own.scheme && known.keytype === own.keytype && known.public === own.public;

async function importSecret(x: string, d: string, key: Decoder) {
  try {
    const jwk = { kty: "OKP", crv: "Ed25519", x, d };
    return await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
  } catch {
    // Without its cause: a cryptographic library's message may quote what it was given.
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
