import type { Feed } from "../../../node/transport/feed.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES } from "../../../shared/limits.ts";
import type { MetadataFile, MetadataSource } from "../../../shared/tuf/refresh.ts";
import { roleFile } from "../../../shared/tuf/role_name.ts";
import type { TargetSource } from "./tuf/fetch_target.ts";

// Of any repository, where no length is stated; what hosts take of a kernel's is in shared/limits.ts.
const MAX_SNAPSHOT = 2_000_000;
const MAX_TARGETS = 5_000_000;

/** The metadata of any TUF repository, by the names that the specification gives its files (5.3 to 5.6, 6.2). */
export function tufMetadata(feed: Feed): MetadataSource {
  return {
    async root(version) {
      const fetched = await feed.get(`${version}.root.json`, { maxBytes: MAX_ROOT_BYTES });
      return fetched.status === "ok" ? fetched.bytes : undefined; // 5.3.3: "not found" and nothing else
    },
    timestamp: () => have(feed, "timestamp.json", MAX_TIMESTAMP_BYTES),
    snapshot: (file) => have(feed, fileName(file), bound(file, MAX_SNAPSHOT)), // 5.5.1
    targets: (file) => have(feed, fileName(file), bound(file, MAX_TARGETS)), // 5.6.1
  };
}

/** The targets of any TUF repository. */
export function tufTargets(feed: Feed): TargetSource {
  return { target: (path, maxBytes) => have(feed, path, maxBytes) };
}

/** 6.2.1: `VERSION.` goes before the name where snapshots are consistent. */
const fileName = ({ role, meta, consistent }: MetadataFile): string =>
  consistent ? `${meta.version}.${roleFile(role)}` : roleFile(role);

/** The length that is signed for, but never more than a host takes. */
const bound = ({ meta }: MetadataFile, max: number): number => Math.min(meta.length ?? max, max);

async function have(feed: Feed, path: string, maxBytes: number): Promise<Uint8Array> {
  const fetched = await feed.get(path, { maxBytes });
  if (fetched.status === "ok") return fetched.bytes;
  throw new RebootlessError("unreachable", `${feed.url}${path} is missing`, {
    hint: "The repository is incomplete; a mirror may be in the middle of a synchronisation.",
  });
}
