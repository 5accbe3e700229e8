import { type BuildId, buildId } from "../brand.ts";
import { fromUtf8 } from "../bytes.ts";
import { Decoder } from "../decode.ts";
import { encodeJson, jsonObject, parseFiles } from "../json.ts";
import {
  MAX_MANIFEST_BYTES,
  MAX_ROOT_BYTES,
  MAX_ROOT_ROTATIONS,
  MAX_SMALL_VALUES,
  MAX_TARGETS_BYTES,
} from "../limits.ts";

/**
 * The body that a publisher sends to `POST kernels/<build-id>/publish`: the signed targets and the manifest
 * that it names, byte for byte. Artifacts were staged before, each by its digest.
 */
export interface Publication {
  readonly buildId: BuildId;
  /**
   * The version of targets that this one follows, 0 for a kernel's first. The edge refuses if another version
   * came between.
   */
  readonly base: number;
  readonly targets: Uint8Array;
  readonly manifest: Uint8Array;
  /**
   * The versions of the snapshot and the timestamp that a backup has; set only when a backup is restored.
   * Hosts have seen these versions and later ones, so the versions that the edge signs begin well above; and
   * `base` may be above the version that the edge has.
   */
  readonly restored?: RestoredVersions;
}

export interface RestoredVersions {
  readonly snapshot: number;
  readonly timestamp: number;
}

/** The highest restored version. A feed that is signed again every hour has this version after a century. */
const MAX_RESTORED = 1_000_000;

export function encodePublication(publication: Publication): Uint8Array {
  return encodeJson(
    jsonObject({
      format: 1,
      build_id: publication.buildId,
      base: publication.base,
      targets: fromUtf8(publication.targets),
      manifest: fromUtf8(publication.manifest),
      ...(publication.restored && { restored: jsonObject({ ...publication.restored }) }),
    }),
  );
}

/** Decodes a publication. @throws ParseError */
export function decodePublication(bytes: Uint8Array): Publication {
  const publication = new Decoder(parseFiles(bytes, "publication", MAX_SMALL_VALUES), "publication");
  publication.get("format").literal(1);
  const restored = publication.get("restored").optional(decodeRestored);
  return {
    buildId: publication.get("build_id").as(buildId),
    base: publication.get("base").integer(0),
    targets: publication.get("targets").file(MAX_TARGETS_BYTES),
    manifest: publication.get("manifest").file(MAX_MANIFEST_BYTES),
    ...(restored && { restored }),
  };
}

const decodeRestored = (versions: Decoder<Uint8Array>): RestoredVersions => ({
  snapshot: versions.get("snapshot").integer(1, MAX_RESTORED),
  timestamp: versions.get("timestamp").integer(1, MAX_RESTORED),
});

/** Returns the path where an artifact waits for the publish that names it. */
export const stagingPath = (sha256: string): string => `staging/${sha256}`;
export const publishPath = (id: BuildId): string => `kernels/${id}/publish`;
/** The path of the root of trust: `GET root/<N>.root.json`, `POST root` for the next version. */
export const ROOT_PATH = "root";
/**
 * The path to which consecutive versions of the root are posted, if an edge lost them. Only the last must not
 * have expired.
 */
export const ROOT_CHAIN_PATH = "root/chain";
/** The longest body with a chain of roots. It is enough for more rotations than any publisher makes. */
export const MAX_ROOT_CHAIN_BYTES = 16 * 1024 * 1024;

export const encodeRootChain = (roots: readonly Uint8Array[]): Uint8Array =>
  encodeJson(jsonObject({ roots: roots.map(fromUtf8) }));

/** Decodes a chain of roots. @throws ParseError */
export const decodeRootChain = (bytes: Uint8Array): readonly Uint8Array[] =>
  new Decoder(parseFiles(bytes, "roots", MAX_SMALL_VALUES), "roots")
    .get("roots")
    .array(MAX_ROOT_ROTATIONS)
    .map((root) => root.file(MAX_ROOT_BYTES));

/**
 * The type of a publisher's token. A token is a JWT signed with EdDSA, sent as `Authorization: Bearer …`, and
 * good for one request. Header: `alg` EdDSA, `typ` TOKEN_TYPE, `kid` the publisher's id. Claims: `iss` the
 * publisher's id again, `aud` the feed's audience, `iat` and `exp` at most MAX_TOKEN_AGE_SECONDS apart, `jti`
 * 16 to 128 random characters that are accepted once; and the request that it is bound to: method (`htm`),
 * path with its leading slash (`htu`) and the SHA-256 of the body in hex (`bsh`).
 */
export const TOKEN_TYPE = "rebootless+jwt";
export const MAX_TOKEN_AGE_SECONDS = 300;
