import { publisherVerifier } from "../../node/verifier.ts";
import { type Clock, DAY, instant } from "../../shared/time.ts";
import { IGNORE_EXPIRY_UNSAFE } from "../../shared/tuf/expiry.ts";
import { rootDocument } from "../../shared/tuf/metadata.ts";
import type { RoleKeys, Root, TopRole } from "../../shared/tuf/schema.ts";
import { selfSignedRoot, TrustedSet } from "../../shared/tuf/trusted_set.ts";
import type { SigningKey } from "./key_file.ts";
import { signWithSecrets } from "./sign.ts";

/**
 * The lifetime of a new root: a year, because the ceremony is rare and a forgotten root must not stop a fleet
 * within weeks.
 */
export const ROOT_LIFETIME_MS = 365 * DAY;

export interface RootKeys {
  readonly keys: Readonly<Record<TopRole, readonly SigningKey[]>>;
  readonly thresholds: Readonly<Record<TopRole, number>>;
}

/** Makes version 1 of a root of trust, signed by all of its root keys. */
export function firstRoot({ keys, thresholds }: RootKeys, clock: Clock): Uint8Array {
  const roles = new Map<TopRole, RoleKeys>();
  for (const role of Object.keys(keys) as TopRole[]) {
    roles.set(role, { keyIds: keys[role].map(({ id }) => id), threshold: thresholds[role] });
  }
  const all = Object.values(keys).flat();
  const expires = instant(clock() + ROOT_LIFETIME_MS);
  const document = rootDocument({
    version: 1,
    expires,
    keys: new Map(all.map(({ id, key }) => [id, key])),
    roles,
  });
  return signWithSecrets(document, keys.root);
}

/**
 * Reads a root file as a host would: it must be signed by its own keys.
 *
 * @throws RebootlessError `parse`, `trust`.
 */
export const readRoot = (bytes: Uint8Array): Promise<Root> => selfSignedRoot(bytes, publisherVerifier);

/**
 * Trusts a root and gets ready to follow newer ones. An expired root is accepted, because a ceremony exists
 * to replace it.
 *
 * @throws RebootlessError `parse`, `trust`.
 */
export const trustedFrom = (bytes: Uint8Array): Promise<TrustedSet> =>
  TrustedSet.fromRoot(bytes, publisherVerifier, IGNORE_EXPIRY_UNSAFE);
