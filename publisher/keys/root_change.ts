import { RebootlessError } from "../../shared/errors.ts";
import type { Instant } from "../../shared/time.ts";
import type { RoleKeys, Root } from "../../shared/tuf/schema.ts";
import { TOP_ROLES, type TopRole } from "../../shared/tuf/schema.ts";
import type { KeyFacts } from "./key_file.ts";

/** What a proposal changes in a root of trust. */
export interface RootChange {
  readonly add: readonly { readonly role: TopRole; readonly key: KeyFacts }[];
  /** By the key id or its beginning. */
  readonly remove: readonly { readonly role: TopRole; readonly keyId: string }[];
  readonly thresholds: ReadonlyMap<TopRole, number>;
  readonly expires: Instant;
}

const NO_KEYS: RoleKeys = { keyIds: [], threshold: 1 };
/** A shorter beginning of an id could be met by chance, or made. */
const MIN_ID = 8;

/** The next version, or version 1 when there is no root yet. Throws `usage` for a change that changes nothing. */
export function changedRoot(base: Root | undefined, change: RootChange): Root {
  const all = new Map(base?.keys ?? []);
  for (const { key } of change.add) all.set(key.id, key.key);
  const roles = new Map(
    TOP_ROLES.map((role) => [role, changedRole(role, base?.roles.get(role) ?? NO_KEYS, change)]),
  );
  const used = new Set([...roles.values()].flatMap(({ keyIds }) => keyIds));
  return {
    version: (base?.version ?? 0) + 1,
    expires: change.expires,
    consistentSnapshot: true,
    keys: new Map([...all].filter(([id]) => used.has(id))),
    roles,
  };
}

function changedRole(role: TopRole, before: RoleKeys, change: RootChange): RoleKeys {
  const ids = new Set(before.keyIds);
  for (const { keyId } of change.remove.filter((removal) => removal.role === role)) {
    ids.delete(oneOf([...ids], keyId, role));
  }
  for (const { key } of change.add.filter((addition) => addition.role === role)) {
    requireLabel(key, role);
    if (ids.has(key.id)) throw new RebootlessError("usage", `key ${key.id} has the role ${role} already`);
    ids.add(key.id);
  }
  return { keyIds: [...ids], threshold: change.thresholds.get(role) ?? before.threshold };
}

function oneOf(ids: readonly string[], begin: string, role: TopRole): string {
  const [id, second] = ids.filter((known) => known.startsWith(begin));
  if (id !== undefined && second === undefined && begin.length >= MIN_ID) return id;
  throw new RebootlessError("usage", `${JSON.stringify(begin.slice(0, 80))} is not one key of ${role}`, {
    hint: `Give at least ${MIN_ID} digits of a key id; \`root status\` lists them.`,
  });
}

function requireLabel(key: KeyFacts, role: TopRole): void {
  if (key.role === undefined || key.role === role) return;
  throw new RebootlessError("usage", `key ${key.id} was made for ${key.role}, not for ${role}`, {
    hint: "One key for one role: make another with `keys new`.",
  });
}
