import type { Decoder } from "../decode.ts";
import { MAX_KEYS } from "../limits.ts";
import { decodeKey, type PublicKey } from "./keys.ts";

/** The keys whose signatures a role takes, and how many it needs. Root and delegations both have this part. */
export interface RoleKeys {
  readonly keyIds: readonly string[];
  readonly threshold: number;
}

/** Public keys by key id. */
export type Keys = ReadonlyMap<string, PublicKey>;

export function decodeKeys(keys: Decoder): Keys {
  return new Map(keys.entries(MAX_KEYS).map(([id, key]) => [id, decodeKey(key)]));
}

export function decodeRoleKeys(role: Decoder): RoleKeys {
  const keyIds = role
    .get("keyids")
    .array(MAX_KEYS)
    .map((id) => id.string());
  if (new Set(keyIds).size !== keyIds.length) role.get("keyids").fail("a key id twice");
  return { keyIds, threshold: role.get("threshold").integer(1, MAX_KEYS) };
}
