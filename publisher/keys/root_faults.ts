import { counted } from "../../shared/counted.ts";
import type { Instant } from "../../shared/time.ts";
import { keyIdentity } from "../../shared/tuf/keys.ts";
import { type Root, TOP_ROLES, type TopRole } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { expiryFault } from "./expiry.ts";

const ONLINE: readonly TopRole[] = ["snapshot", "timestamp"];
const OFFLINE: readonly TopRole[] = ["root", "targets"];

/**
 * Lists the faults that would make a root of trust useless, in sentences; the list is empty if there are no
 * faults.
 */
export function rootFaults(root: Root, now: Instant): readonly string[] {
  const expiry = expiryFault(root.expires, now);
  return [...(expiry === undefined ? [] : [expiry]), ...TOP_ROLES.flatMap((role) => roleFaults(root, role))];
}

function roleFaults(root: Root, role: TopRole): readonly string[] {
  const { threshold } = roleOf(root, role);
  const count = identities(root, role).size;
  if (count === 0) return [`${role} would have no key left`];
  if (threshold > count)
    return [`${role} would need ${counted(threshold, "signature")}, but has ${counted(count, "key")}`];
  // The edge holds one key of each role (shared/tuf/online_keys.ts) and could not meet a higher threshold.
  const unmet = ONLINE.includes(role) && threshold > 1;
  return unmet
    ? [`${role} would need ${counted(threshold, "signature")}, but the edge signs with one key`]
    : [];
}

/**
 * Lists keys that are offline and online at once. An attacker who breaks into the edge could sign for the
 * offline role too.
 */
export function sharedKeys(root: Root): readonly string[] {
  return OFFLINE.flatMap((offline) =>
    ONLINE.flatMap((online) => {
      const both = identities(root, online);
      const ids = roleOf(root, offline).keyIds.filter((id) => both.has(identityOf(root, id)));
      return ids.map((id) => `key ${id} would sign for ${offline} and, online, for ${online}`);
    }),
  );
}

/**
 * Returns the identities of a role's keys, computed from the keys, so that one key under two ids counts once.
 */
const identities = (root: Root, role: TopRole): ReadonlySet<string> =>
  new Set(roleOf(root, role).keyIds.map((id) => identityOf(root, id)));

function identityOf(root: Root, id: string): string {
  const key = root.keys.get(id);
  return (key && keyIdentity(key)) ?? id;
}
