import type { SigningKey } from "../../../publisher/keys/key_file.ts";
import { signWithSecrets } from "../../../publisher/keys/sign.ts";
import { rootDocument } from "../../../shared/tuf/metadata.ts";
import { decodeRoot, parseEnvelope, type Root, type TopRole } from "../../../shared/tuf/schema.ts";
import type { Ceremony } from "./repository.ts";

/** Makes the next root, with other keys for some roles, signed by the old and the new root keys. */
export function nextRoot(
  made: Ceremony,
  from: Uint8Array,
  keys: Partial<Record<TopRole, readonly SigningKey[]>>,
  extra: Partial<Root> = {},
): Uint8Array {
  const old = decodeRoot(parseEnvelope(from, "root").signed);
  const roles = new Map(old.roles);
  const all = new Map(old.keys);
  for (const [role, list] of Object.entries(keys) as [TopRole, readonly SigningKey[]][]) {
    const online = role === "snapshot" || role === "timestamp";
    roles.set(role, { keyIds: list.map((key) => key.id), threshold: online ? 1 : list.length });
    for (const key of list) all.set(key.id, key.key);
  }
  const signers = new Set([...made.keys.root, ...(keys.root ?? [])]);
  const document = rootDocument({ ...old, version: old.version + 1, roles, keys: all, ...extra });
  return signWithSecrets(document, [...signers]);
}
