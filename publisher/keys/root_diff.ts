import { counted } from "../../shared/counted.ts";
import { excerpt } from "../../shared/printable.ts";
import type { Instant } from "../../shared/time.ts";
import { named } from "../../shared/tuf/key_words.ts";
import { type Root, TOP_ROLES, type TopRole } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { expiryInWords } from "./expiry.ts";

/**
 * Lists what a new root changes, for people, one line for each change. Key ids (SHA-256 digests of the keys)
 * are shown in full, with the owners.
 */
export function rootDiff(base: Root | undefined, next: Root, now: Instant): readonly string[] {
  return [
    base
      ? `root       version ${base.version} -> ${next.version}`
      : `root       version ${next.version}, the first`,
    `expires    ${expiryInWords(next.expires, now)}`,
    ...(base ? [`  before   ${expiryInWords(base.expires, now)}`] : []),
    ...TOP_ROLES.flatMap((role) => roleDiff(role, base, next)),
  ];
}

function roleDiff(role: TopRole, base: Root | undefined, next: Root): readonly string[] {
  const after = roleOf(next, role);
  const before = base ? roleOf(base, role) : { keyIds: [], threshold: 0 };
  const added = after.keyIds.filter((id) => !same(id, base, next) || !before.keyIds.includes(id));
  const removed = before.keyIds.filter((id) => !same(id, base, next) || !after.keyIds.includes(id));
  const needs = (keys: typeof after) => `${keys.threshold} of ${counted(keys.keyIds.length, "key")}`;
  const unchanged = added.length + removed.length === 0 && before.threshold === after.threshold;
  const change = unchanged || !base ? needs(after) : `${needs(before)} -> ${needs(after)}`;
  return [
    `${role.padEnd(10)} ${change} must sign${unchanged ? ", as before" : ""}`,
    ...added.map((id) => `  + key    ${described(next, id)}`),
    ...removed.map((id) => `  - key    ${described(base, id)}`),
  ];
}

/**
 * Returns true if an id means one key of one owner: it is the same before and after, or is listed only once.
 */
function same(id: string, base: Root | undefined, next: Root): boolean {
  const [before, after] = [base?.keys.get(id), next.keys.get(id)];
  if (!before || !after) return true;
  return before.scheme === after.scheme && before.public === after.public && before.owner === after.owner;
}

function described(root: Root | undefined, id: string): string {
  const key = root?.keys.get(id);
  return `${named(id, key)} (${excerpt(key?.scheme ?? "not listed")})`;
}
