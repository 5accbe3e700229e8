import { digests, sha256Of } from "../../node/crypto.ts";
import type { Feed, FetchLimits } from "../../node/transport/feed.ts";
import type { SigningKey } from "../../publisher/keys/key_file.ts";
import { signWithSecrets } from "../../publisher/keys/sign.ts";
import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { BUNDLED_ROOTS, type Bundle, encodeBundle } from "../../shared/feed/bundle.ts";
import { feedPath, manifestTarget, metadataPath } from "../../shared/feed/paths.ts";
import { type JsonValue, jsonObject } from "../../shared/json.ts";
import { DAY, type Instant, instant } from "../../shared/time.ts";
import {
  fileMeta,
  rootDocument,
  snapshotDocument,
  targetsDocument,
  timestampDocument,
} from "../../shared/tuf/metadata.ts";
import type { TopRole } from "../../shared/tuf/schema.ts";
import { type Ceremony, manifestBytes } from "./edge/repository.ts";

/** What one publication is made of; a test gets wrong on purpose what it names. */
export interface Publication {
  readonly id: BuildId;
  readonly manifest: Uint8Array;
  readonly now: Instant;
  readonly versions: Readonly<Record<Exclude<TopRole, "root">, number>>;
  readonly expires: Readonly<Partial<Record<Exclude<TopRole, "root">, Instant>>>;
  readonly keys: Readonly<Record<TopRole, readonly SigningKey[]>>;
  readonly roots: readonly Uint8Array[];
  readonly path: string;
  readonly custom: JsonValue;
}

/** The bundle of one kernel, signed with real keys as publisher and edge would. Version 1 of everything unless told. */
export async function signedBundle(
  made: Ceremony,
  id: BuildId,
  now: Instant,
  options: Partial<Publication> = {},
): Promise<Bundle> {
  const { manifest = manifestBytes(id, []), keys = made.keys, roots = [], expires = {} } = options;
  const versions = { timestamp: 1, snapshot: 1, targets: 1, ...options.versions };
  const until = (role: keyof typeof versions) => expires[role] ?? instant(now + 90 * DAY);
  const common = (role: keyof typeof versions) => ({ version: versions[role], expires: until(role) });

  const file = {
    length: manifest.length,
    hashes: new Map([["sha256", sha256Of(manifest)]] as const),
    custom: options.custom ?? jsonObject({ build_id: id }),
  };
  const listed = new Map([[options.path ?? manifestTarget(id), file]]);
  const targets = signWithSecrets(targetsDocument({ ...common("targets"), targets: listed }), keys.targets);
  const targetsMeta = await fileMeta(versions.targets, targets, digests);
  const snapshot = signWithSecrets(
    snapshotDocument({ ...common("snapshot"), targets: targetsMeta }),
    keys.snapshot,
  );
  const snapshotMeta = await fileMeta(versions.snapshot, snapshot, digests);
  const timestamp = signWithSecrets(
    timestampDocument({ ...common("timestamp"), snapshot: snapshotMeta }),
    keys.timestamp,
  );
  return { buildId: id, roots, timestamp, snapshot, targets, manifest };
}

/** All three at one version, as a publish leaves them. */
export const atVersion = (version: number): Publication["versions"] => ({
  timestamp: version,
  snapshot: version,
  targets: version,
});

/** A version of the root with these keys, signed by the root keys of `signers`. */
export function signedRoot(
  made: Ceremony,
  version: number,
  expires: Instant,
  keys: Ceremony["keys"],
  signers: readonly SigningKey[] = [...new Set([...made.keys.root, ...keys.root])],
): Uint8Array {
  const all = Object.values(keys).flat();
  const roles = (Object.keys(keys) as TopRole[]).map(
    (role) => [role, { keyIds: keys[role].map(({ id }) => id), threshold: made.thresholds[role] }] as const,
  );
  const listed = new Map(all.map(({ id, key }) => [id, key]));
  return signWithSecrets(rootDocument({ version, expires, keys: listed, roles: new Map(roles) }), signers);
}

/** A feed that lies in memory, and counts what it is asked. */
export class MemoryFeed implements Feed {
  readonly url = "memory:feed/";
  readonly files = new Map<string, Uint8Array>();
  readonly asked: { readonly path: string; readonly etag: string | undefined; readonly status: string }[] =
    [];
  readonly traffic = { requests: 0, bytes: 0 };
  /** The tag of whatever lies here; unless set, one of the bytes. */
  tag: string | undefined;

  async get(path: string, { maxBytes, etag }: FetchLimits): ReturnType<Feed["get"]> {
    this.traffic.requests++;
    if (etag !== undefined) new Headers({ "if-none-match": etag }); // what cannot be sent throws
    const bytes = this.files.get(path);
    const current = bytes && (this.tag ?? `"${sha256Of(bytes)}"`);
    const same = etag !== undefined && etag === current;
    const status = same ? "not_modified" : bytes === undefined ? "not_found" : "ok";
    this.asked.push({ path, etag, status });
    if (status === "not_modified") return { status };
    if (bytes === undefined) return { status: "not_found" };
    if (bytes.length > maxBytes)
      throw new RebootlessError("unreachable", `${path} sent more than it may have`);
    this.traffic.bytes += bytes.length;
    return { status: "ok", bytes, etag: current };
  }

  /** What travels in the bundle is the newest roots; all are there by their own names. */
  serve(bundle: Bundle): Uint8Array {
    const bytes = encodeBundle({ ...bundle, roots: bundle.roots.slice(-BUNDLED_ROOTS) });
    this.files.set(feedPath(bundle.buildId), bytes);
    bundle.roots.forEach((root, i) => {
      this.files.set(`${metadataPath(bundle.buildId)}/${i + 2}.root.json`, root);
    });
    return bytes;
  }
}
