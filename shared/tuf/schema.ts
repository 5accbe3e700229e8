import type { DigestAlgorithm } from "../crypto/digests.ts";
import { Decoder } from "../decode.ts";
import { type JsonObject, type JsonValue, parseJson } from "../json.ts";
import { MAX_ENTRIES, MAX_METADATA_VALUES, MAX_SIGNATURES } from "../limits.ts";
import { type Instant, parseInstant } from "../time.ts";
import { canonicalJson } from "./canonical_json.ts";
import { type Delegations, decodeDelegations } from "./delegations.ts";
import { decodeKeys, decodeRoleKeys, type Keys, type RoleKeys } from "./role_keys.ts";
import { TOP_ROLES, type TopRole } from "./role_name.ts";

export type { RoleKeys } from "./role_keys.ts";
export { TOP_ROLES, type TopRole } from "./role_name.ts";

/** A metadata file as received: the signed part, also in the form that is signed, and the signatures. */
export interface Envelope {
  readonly signed: JsonObject;
  readonly signedBytes: Uint8Array;
  /** Hex signatures by key id. */
  readonly signatures: ReadonlyMap<string, string>;
}

/** The members common to all roles (specification 4.3). */
export interface Common {
  readonly version: number;
  readonly expires: Instant;
}

export interface Root extends Common {
  readonly consistentSnapshot: boolean;
  readonly keys: Keys;
  readonly roles: ReadonlyMap<TopRole, RoleKeys>;
}

/** How one metadata file is named by another (specification 4.4, 4.5). */
export interface FileMeta {
  readonly version: number;
  readonly length: number | undefined;
  readonly hashes: Hashes | undefined;
}

/** Hex digests by algorithm, never empty. */
export type Hashes = ReadonlyMap<DigestAlgorithm, string>;

export interface Timestamp extends Common {
  readonly snapshot: FileMeta;
}

export interface Snapshot extends Common {
  /** Keyed by file name, such as `targets.json`. */
  readonly meta: ReadonlyMap<string, FileMeta>;
}

export interface TargetFile {
  readonly length: number;
  readonly hashes: Hashes;
  readonly custom: JsonValue | undefined;
}

export interface Targets extends Common {
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations | undefined;
}

/**
 * Reads a metadata file: `{"signatures": [{"keyid", "sig"}], "signed": {…}}` (specification 4.2).
 *
 * @param role names the file in messages.
 */
export function parseEnvelope(bytes: Uint8Array, role: string): Envelope {
  const document = new Decoder(parseJson(bytes, role, MAX_METADATA_VALUES), role);
  const signed = document.get("signed").object();
  const signatures = new Map<string, string>();
  for (const entry of document.get("signatures").array(MAX_SIGNATURES)) {
    const id = entry.get("keyid").string();
    if (signatures.has(id)) entry.fail("a second signature by the same key id"); // 4.2: key ids are unique
    signatures.set(id, entry.get("sig").string(4096));
  }
  return { signed, signedBytes: canonicalJson(signed), signatures };
}

/** Decodes a root (specification 4.3). It ignores roles other than the four, as later minor versions may add some. */
export function decodeRoot(signed: JsonObject): Root {
  const root = decoder(signed, "root");
  const common = decodeCommon(root, "root");
  const keys = decodeKeys(root.get("keys"));
  const roles = new Map(TOP_ROLES.map((role) => [role, decodeRoleKeys(root.get("roles").get(role))]));
  const consistentSnapshot = root.get("consistent_snapshot").optional((flag) => flag.boolean()) ?? false;
  return { ...common, consistentSnapshot, keys, roles };
}

/**
 * The version that a root file gives itself, for looking it up: nothing of the file is verified.
 *
 * @throws ParseError.
 */
export const statedRootVersion = (root: Uint8Array): number =>
  decodeRoot(parseEnvelope(root, "root").signed).version;

export function decodeTimestamp(signed: JsonObject): Timestamp {
  const timestamp = decoder(signed, "timestamp");
  const common = decodeCommon(timestamp, "timestamp");
  return { ...common, snapshot: decodeFileMeta(timestamp.get("meta").get("snapshot.json")) };
}

export function decodeSnapshot(signed: JsonObject): Snapshot {
  const snapshot = decoder(signed, "snapshot");
  const common = decodeCommon(snapshot, "snapshot");
  const files = snapshot.get("meta").entries(MAX_ENTRIES);
  return { ...common, meta: new Map(files.map(([name, meta]) => [name, decodeFileMeta(meta)])) };
}

/** Decodes targets, or what a delegated role signs: its `_type` is `targets`, whatever its name. */
export function decodeTargets(signed: JsonObject): Targets {
  const targets = decoder(signed, "targets");
  const common = decodeCommon(targets, "targets");
  const files = targets.get("targets").entries(MAX_ENTRIES);
  const delegations = targets.get("delegations").optional(decodeDelegations);
  return {
    ...common,
    targets: new Map(files.map(([path, file]) => [path, decodeTargetFile(file)])),
    delegations,
  };
}

const decoder = (signed: JsonObject, role: TopRole): Decoder => new Decoder(signed, `${role}.signed`);

function decodeCommon(signed: Decoder, type: TopRole): Common {
  signed.get("_type").literal(type);
  const specVersion = signed.get("spec_version").string();
  if (!/^1\.\d+(?:\.\d+)?$/.test(specVersion)) signed.get("spec_version").fail("not version 1 of TUF");
  return {
    version: signed.get("version").integer(1),
    expires: signed.get("expires").as(parseInstant),
  };
}

function decodeFileMeta(meta: Decoder): FileMeta {
  return {
    version: meta.get("version").integer(1),
    length: meta.get("length").optional((length) => length.integer(0)),
    hashes: meta.get("hashes").optional(decodeHashes),
  };
}

function decodeTargetFile(file: Decoder): TargetFile {
  return {
    length: file.get("length").integer(0),
    hashes: decodeHashes(file.get("hashes")),
    custom: file.get("custom").value,
  };
}

/** Decodes hashes. All that are listed are checked, so one of an unknown kind is refused, not ignored. */
function decodeHashes(hashes: Decoder): Hashes {
  const entries = hashes.entries(8);
  if (entries.length === 0) hashes.fail("no hash at all");
  return new Map(
    entries.map(([name, hash]) => {
      if (name !== "sha256" && name !== "sha512") return hash.fail("a kind of hash that is not known");
      const digits = name === "sha256" ? 64 : 128;
      const hex = hash.string();
      return /^[0-9a-f]*$/.test(hex) && hex.length === digits
        ? ([name, hex] as const)
        : hash.fail(`not ${digits} hex digits`);
    }),
  );
}
