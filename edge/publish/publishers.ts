import { type CryptoKey, importJWK } from "jose";
import { type Decoder, secretJson } from "../../shared/decode.ts";
import { MAX_KEYS } from "../../shared/limits.ts";
import { withoutGroups } from "../../shared/tuf/key_words.ts";
import {
  decodeKernelScope,
  decodeScope,
  type KernelScope,
  onlyMembers,
  type PublisherScope,
  UNLIMITED_SCOPE,
} from "./publisher_scope.ts";

/**
 * A person or a program that may send requests to publish. Hosts do not rely on that: they trust the
 * signatures of targets keys.
 */
export interface Publisher {
  readonly id: string;
  /** The Ed25519 keys that verify this publisher's tokens; several while one replaces another. */
  readonly keys: readonly CryptoKey[];
  /** The ids, as in the root of trust, of the targets keys that belong to this publisher. */
  readonly targetsKeys: readonly string[];
  readonly scope: PublisherScope;
}

/**
 * The rule that targets of these kernels need signatures of this many different publishers, besides those
 * that the root demands.
 */
export interface PublisherQuorum {
  readonly kernels: KernelScope;
  readonly publishers: number;
}

export interface Publishers {
  readonly byId: ReadonlyMap<string, Publisher>;
  readonly byTargetsKey: ReadonlyMap<string, Publisher>;
  readonly quorums: readonly PublisherQuorum[];
}

export const NO_PUBLISHERS: Publishers = { byId: new Map(), byTargetsKey: new Map(), quorums: [] };

const MAX_PUBLISHERS = 256;
const MAX_QUORUMS = 64;
/**
 * The largest number of JSON values. It is enough for about a hundred patterns and keys for each publisher.
 */
const MAX_VALUES = 65_536;
/**
 * The largest number of token keys of a publisher. Each key that does not match costs the verification of a
 * signature.
 */
export const MAX_TOKEN_KEYS = 4;

/**
 * Decodes `[{"id", "key"}, …]`, or `{"publishers": […], "quorums": [{"kernels", "publishers"}, …]}`. A publisher has
 * `key` or `keys`, which are public JWKs, and may have `targets_keys` and `scope`.
 *
 * @throws ParseError that names members and quotes no value: a private key may be here by mistake.
 */
export async function decodePublishers(bytes: Uint8Array): Promise<Publishers> {
  const json = secretJson(bytes, "PUBLISHERS", MAX_VALUES);
  if (Array.isArray(json.value)) return publishersOf(json, []);
  onlyMembers(json, ["publishers", "quorums"]);
  const quorums = json.get("quorums").optional((list) => list.array(MAX_QUORUMS).map(decodeQuorum));
  return publishersOf(json.get("publishers"), quorums ?? []);
}

async function publishersOf(list: Decoder, quorums: readonly PublisherQuorum[]): Promise<Publishers> {
  const byId = new Map<string, Publisher>();
  const byTargetsKey = new Map<string, Publisher>();
  for (const entry of list.array(MAX_PUBLISHERS)) {
    const publisher = await decodePublisher(entry);
    if (byId.has(publisher.id)) entry.get("id").fail("another publisher has this id");
    byId.set(publisher.id, publisher);
    for (const key of publisher.targetsKeys) {
      if (byTargetsKey.has(key)) entry.get("targets_keys").fail("a key that is named twice");
      byTargetsKey.set(key, publisher);
    }
  }
  return { byId, byTargetsKey, quorums };
}

async function decodePublisher(entry: Decoder): Promise<Publisher> {
  onlyMembers(entry, ["id", "key", "keys", "targets_keys", "scope"]);
  const id = entry.get("id").string(64);
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(id))
    entry.get("id").fail("not an id: it has a-z and 0-9, and also . _ - after the first character");
  const one = entry.get("key").optional((key) => [key]);
  const jwks = entry.get("keys").optional((keys) => keys.array(MAX_TOKEN_KEYS));
  if ((one === undefined) === (jwks === undefined)) entry.fail("needs either key or keys");
  const targetsKeys = entry
    .get("targets_keys")
    .optional((ids) => ids.array(MAX_KEYS).map((key) => withoutGroups(key.string())));
  return {
    id,
    keys: await Promise.all((one ?? jwks ?? []).map(publicKey)),
    targetsKeys: targetsKeys ?? [],
    scope: entry.get("scope").optional(decodeScope) ?? UNLIMITED_SCOPE,
  };
}

function decodeQuorum(quorum: Decoder): PublisherQuorum {
  onlyMembers(quorum, ["kernels", "publishers"]);
  return {
    kernels: decodeKernelScope(quorum.get("kernels")),
    publishers: quorum.get("publishers").integer(1, MAX_PUBLISHERS),
  };
}

async function publicKey(jwk: Decoder): Promise<CryptoKey> {
  jwk.get("kty").literal("OKP");
  jwk.get("crv").literal("Ed25519");
  // A private key here is a mistake, which must be noticed before the key is used.
  if (jwk.object().has("d")) jwk.get("d").fail("a private key where the public one belongs");
  const x = jwk.get("x");
  const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: x.string() }, "EdDSA").catch(() => undefined);
  return key === undefined || key instanceof Uint8Array ? x.fail("not an Ed25519 public key") : key;
}
