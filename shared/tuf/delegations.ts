import type { Sha256Hex } from "../brand.ts";
import type { Decoder } from "../decode.ts";
import { MAX_ENTRIES } from "../limits.ts";
import { matchesPattern } from "./path_pattern.ts";
import { decodeKeys, decodeRoleKeys, type Keys, type RoleKeys } from "./role_keys.ts";
import { roleNameFault } from "./role_name.ts";

/*
 * A feed of rebootless has no delegations: scopes are the edge's. TrustedSet still reads them, because it is a client of
 * any TUF repository, which the conformance program proves (test/proof/conformance, which finds targets through them), and
 * because a targets file whose delegations are malformed is refused, not half understood.
 */

/** The roles that a role delegates to (specification 4.5): listed ones, or the bins of TAP 15. */
export interface Delegations {
  readonly keys: Keys;
  readonly roles: readonly ListedRole[] | SuccinctRoles;
}

/** One delegation to follow: the name, the keys that must sign it, and whether the search ends below it. */
export interface DelegatedRole extends RoleKeys {
  readonly name: string;
  readonly terminating: boolean;
}

interface ListedRole extends DelegatedRole {
  readonly covers: (path: TargetPath) => boolean;
}

/** The bins of TAP 15: 2^bitLength roles with the same keys, each for one range of the hashes of paths. */
interface SuccinctRoles extends RoleKeys {
  readonly namePrefix: string;
  readonly bitLength: number;
}

/** A target path, and the hash that hash prefixes and bins are chosen by. */
export interface TargetPath {
  readonly text: string;
  readonly sha256: Sha256Hex;
}

/** How many delegations a targets file may list; whoever needs more uses bins. */
const MAX_DELEGATIONS = 65_536;
const MAX_PATTERN = 4096;

/** Returns the delegations that cover a path, in the order of their priority, up to the first that is terminating. */
export function rolesFor({ roles }: Delegations, path: TargetPath): readonly DelegatedRole[] {
  if ("namePrefix" in roles) return [binFor(roles, path)];
  const covering = roles.filter((role) => role.covers(path));
  const last = covering.findIndex((role) => role.terminating);
  return last < 0 ? covering : covering.slice(0, last + 1);
}

/**
 * Returns the bin of a path: its number is the leftmost bits of the path's hash. It is terminating, as no other bin has
 * the path (TAP 15).
 */
function binFor(
  { keyIds, threshold, namePrefix, bitLength }: SuccinctRoles,
  path: TargetPath,
): DelegatedRole {
  const bin = Number.parseInt(path.sha256.slice(0, 8), 16) >>> (32 - bitLength);
  const digits = (2 ** bitLength - 1).toString(16).length;
  const name = `${namePrefix}-${bin.toString(16).padStart(digits, "0")}`;
  return { name, keyIds, threshold, terminating: true };
}

export function decodeDelegations(delegations: Decoder): Delegations {
  const listed = delegations.get("roles").optional(decodeListedRoles);
  const succinct = delegations.get("succinct_roles").optional(decodeSuccinctRoles);
  if ((listed === undefined) === (succinct === undefined)) {
    delegations.fail("expected either roles or succinct_roles");
  }
  return { keys: decodeKeys(delegations.get("keys")), roles: listed ?? succinct ?? [] };
}

function decodeListedRoles(list: Decoder): readonly ListedRole[] {
  const roles = list.array(MAX_DELEGATIONS).map(decodeListedRole);
  // 4.5: names are unique among the delegations of one role.
  if (new Set(roles.map(({ name }) => name)).size !== roles.length) list.fail("a role name twice");
  return roles;
}

function decodeListedRole(role: Decoder): ListedRole {
  return {
    ...decodeRoleKeys(role),
    name: decodeRoleName(role.get("name")),
    terminating: role.get("terminating").boolean(),
    covers: decodeCover(role),
  };
}

/** Decodes `paths` or `path_hash_prefixes`, not both (4.5). A delegation with neither covers nothing. */
function decodeCover(role: Decoder): (path: TargetPath) => boolean {
  const texts = (list: Decoder) => list.array(MAX_ENTRIES).map((text) => text.string(MAX_PATTERN));
  const patterns = role.get("paths").optional(texts);
  const prefixes = role.get("path_hash_prefixes").optional(texts);
  if (patterns && prefixes) role.fail("both paths and path_hash_prefixes");
  for (const prefix of prefixes ?? []) {
    if (!/^[0-9a-f]{1,64}$/.test(prefix)) role.get("path_hash_prefixes").fail("not a prefix of a SHA-256");
  }
  return prefixes
    ? ({ sha256 }) => prefixes.some((prefix) => sha256.startsWith(prefix))
    : ({ text }) => (patterns ?? []).some((pattern) => matchesPattern(pattern, text));
}

function decodeSuccinctRoles(roles: Decoder): SuccinctRoles {
  return {
    ...decodeRoleKeys(roles),
    bitLength: roles.get("bit_length").integer(1, 32),
    namePrefix: decodeRoleName(roles.get("name_prefix"), "-00000000"),
  };
}

function decodeRoleName(name: Decoder, suffix = ""): string {
  const text = name.line();
  const fault = roleNameFault(text + suffix);
  return fault === undefined ? text : name.fail(fault);
}
