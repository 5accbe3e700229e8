import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Instant } from "../../shared/time.ts";
import { withoutGroups } from "../../shared/tuf/key_words.ts";
import type { PublicKey } from "../../shared/tuf/keys.ts";
import type { Keys } from "../../shared/tuf/role_keys.ts";
import { type RoleKeys, type Root, TOP_ROLES, type TopRole } from "../../shared/tuf/schema.ts";
import { type KeyFacts, ownedBy } from "./key_file.ts";

/** The changes that a proposal makes to a root of trust. */
export interface RootChange {
  readonly add: readonly { readonly role: TopRole; readonly key: KeyFacts }[];
  /** The keys to remove, each named by its key id, the beginning of the id, or its owner. */
  readonly remove: readonly { readonly role: TopRole; readonly keyId: string }[];
  readonly thresholds: ReadonlyMap<TopRole, number>;
  /** The new owners of keys, each key named by its key id, the beginning of the id, or its owner. */
  readonly owners: readonly { readonly keyId: string; readonly owner: string }[];
  readonly expires: Instant;
}

const NO_KEYS: RoleKeys = { keyIds: [], threshold: 1 };
/**
 * The fewest digits of a key id that name a key. A shorter beginning could match another key by chance or by
 * intent.
 */
const MIN_ID = 8;

/**
 * Makes the next version of a root, or version 1 if there is no root yet.
 *
 * @throws RebootlessError `usage` for a change that names no single key, adds a key twice, or gives a key
 *   another role than it was made for.
 */
export function changedRoot(base: Root | undefined, change: RootChange): Root {
  const all = new Map(base?.keys ?? []);
  for (const { key } of change.add) all.set(key.id, key.key);
  const roles = new Map(
    TOP_ROLES.map((role) => [role, changedRole(role, base?.roles.get(role) ?? NO_KEYS, change, all)]),
  );
  const used = new Set([...roles.values()].flatMap(({ keyIds }) => keyIds));
  const keys = new Map([...all].filter(([id]) => used.has(id)));
  for (const { keyId, owner } of change.owners) {
    const [id, key] = oneOf(keys, [...used], keyId, "the new root");
    keys.set(id, ownedBy(key, owner));
  }
  return {
    version: (base?.version ?? 0) + 1,
    expires: change.expires,
    consistentSnapshot: true,
    keys,
    roles,
  };
}

function changedRole(role: TopRole, before: RoleKeys, change: RootChange, keys: Keys): RoleKeys {
  const ids = new Set(before.keyIds);
  for (const { keyId } of change.remove.filter((removal) => removal.role === role)) {
    ids.delete(oneOf(keys, [...ids], keyId, role)[0]);
  }
  for (const { key } of change.add.filter((addition) => addition.role === role)) {
    requireLabel(key, role);
    if (ids.has(key.id)) throw new RebootlessError("usage", `key ${key.id} already has the role ${role}`);
    ids.add(key.id);
  }
  return { keyIds: [...ids], threshold: change.thresholds.get(role) ?? before.threshold };
}

/**
 * Finds the one key that an id, the beginning of an id, or an owner names.
 *
 * @param of the role or the file that the keys belong to, for messages.
 * @throws RebootlessError `usage` unless exactly one key matches.
 */
function oneOf(keys: Keys, ids: readonly string[], meant: string, of: string): readonly [string, PublicKey] {
  const begin = withoutGroups(meant);
  const found = ids.filter(
    (id) => keys.get(id)?.owner === meant || (begin.length >= MIN_ID && id.startsWith(begin)),
  );
  const [id = ""] = found;
  const key = keys.get(id);
  if (key && found.length === 1) return [id, key];
  const message =
    found.length > 1
      ? `names ${counted(found.length, "key")} of ${of}`
      : `is not the id or the owner of a key of ${of}`;
  throw new RebootlessError("usage", `${JSON.stringify(meant.slice(0, 80))} ${message}`, {
    hint: `Give at least ${MIN_ID} digits of a key id; \`root status\` lists them.`,
  });
}

function requireLabel(key: KeyFacts, role: TopRole): void {
  if (key.role === undefined || key.role === role) return;
  throw new RebootlessError("usage", `key ${key.id} was made for ${key.role}, not for ${role}`, {
    hint: "A key has one role: make another key with `keys new`.",
  });
}
