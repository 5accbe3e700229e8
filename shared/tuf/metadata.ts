import { toHex } from "../bytes.ts";
import type { Digests } from "../crypto/digests.ts";
import { encodeJson, type JsonObject, type JsonValue, jsonObject } from "../json.ts";
import { formatInstant } from "../time.ts";
import { keyToJson } from "./keys.ts";
import type { Common, FileMeta, Hashes, RoleKeys, Root, TargetFile, TopRole } from "./schema.ts";

/**
 * Makes the documents that `schema.ts` reads: the signed part of each role (specification 4.3 to 4.6), to be
 * signed as `canonicalJson(document)` and put into an envelope. Pure: versions, times and keys come from the caller.
 */

export const SPEC_VERSION = "1.0.33";

/**
 * Makes a root. `consistent_snapshot` is always true: every file but the timestamp is named by its version or digest.
 */
export function rootDocument(root: Omit<Root, "consistentSnapshot">): JsonObject {
  return document("root", root, {
    consistent_snapshot: true,
    keys: new Map([...root.keys].map(([id, key]) => [id, keyToJson(key)])),
    roles: new Map([...root.roles].map(([role, keys]) => [role, roleToJson(keys)])),
  });
}

export function timestampDocument(timestamp: Common & { readonly snapshot: FileMeta }): JsonObject {
  return document("timestamp", timestamp, {
    meta: new Map([["snapshot.json", metaToJson(timestamp.snapshot)]]),
  });
}

export function snapshotDocument(snapshot: Common & { readonly targets: FileMeta }): JsonObject {
  return document("snapshot", snapshot, {
    meta: new Map([["targets.json", metaToJson(snapshot.targets)]]),
  });
}

/** Makes targets without delegations. @param targets by target path. */
export function targetsDocument(
  targets: Common & { readonly targets: ReadonlyMap<string, TargetFile> },
): JsonObject {
  return document("targets", targets, {
    targets: new Map([...targets.targets].map(([path, file]) => [path, targetToJson(file)])),
  });
}

/** Returns how another document names these bytes: by version, length and SHA-256. */
export async function fileMeta(version: number, bytes: Uint8Array, digests: Digests): Promise<FileMeta> {
  return { version, length: bytes.length, hashes: new Map([["sha256", await digests.sha256(bytes)]]) };
}

export interface Signature {
  readonly keyId: string;
  /** 64 bytes for ed25519. */
  readonly signature: Uint8Array;
}

/** Makes the file: the signed part and its signatures (specification 4.2). */
export function envelope(signed: JsonObject, signatures: readonly Signature[]): Uint8Array {
  return encodeJson(
    jsonObject({
      signatures: signatures.map(({ keyId, signature }) =>
        jsonObject({ keyid: keyId, sig: toHex(signature) }),
      ),
      signed,
    }),
  );
}

function document(type: TopRole, common: Common, members: Readonly<Record<string, JsonValue>>): JsonObject {
  return jsonObject({
    _type: type,
    spec_version: SPEC_VERSION,
    version: common.version,
    expires: formatInstant(common.expires),
    ...members,
  });
}

const roleToJson = (role: RoleKeys): JsonObject =>
  jsonObject({ keyids: role.keyIds, threshold: role.threshold });

const metaToJson = (meta: FileMeta): JsonObject =>
  jsonObject({
    version: meta.version,
    length: meta.length,
    hashes: meta.hashes && hashesToJson(meta.hashes),
  });

const targetToJson = (file: TargetFile): JsonObject =>
  jsonObject({ length: file.length, hashes: hashesToJson(file.hashes), custom: file.custom });

const hashesToJson = (hashes: Hashes): JsonObject => new Map<string, JsonValue>(hashes);
