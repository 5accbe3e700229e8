import { digests, sha256Of } from "../node/crypto.ts";
import type { BuildId } from "../shared/brand.ts";
import { RebootlessError } from "../shared/errors.ts";
import { encodeBundle } from "../shared/feed/bundle.ts";
import { feedPath, metadataPath } from "../shared/feed/paths.ts";
import { type Instant, instant } from "../shared/time.ts";
import { enforcedAt, IGNORE_EXPIRY_UNSAFE } from "../shared/tuf/expiry.ts";
import { fileMeta, timestampDocument } from "../shared/tuf/metadata.ts";
import { namedKey, type OnlineKey, signOnline } from "../shared/tuf/online_keys.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import { openTrust } from "./mirror_trust.ts";
import { readSiteTimestamps, writeSiteTimestamps } from "./site_timestamps.ts";
import { verifyMirrored } from "./verified_kernel.ts";

export interface ResignOptions {
  readonly dir: MirrorDir;
  readonly keys: readonly OnlineKey[];
  readonly now: Instant;
  /** The lifetime of the timestamps, in milliseconds. */
  readonly lifetime: number;
}

export interface Resigned {
  readonly kernels: readonly BuildId[];
  /** The kernels whose snapshot or targets has expired. Only the publisher and the edge can renew these. */
  readonly expired: readonly BuildId[];
  /** The time at which the first of the new timestamps expires. */
  readonly until: Instant | undefined;
}

/**
 * Signs every kernel's timestamp again, with a key of the site that the root names: for the same snapshot,
 * with a later expiry and a version that no host has seen. Nothing else can be changed in this way.
 *
 * @throws RebootlessError `config` for a key that the root does not name.
 */
export async function resign({ dir, keys, now, lifetime }: ResignOptions): Promise<Resigned> {
  const trust = await openTrust(dir);
  const held = { timestamp: keys, snapshot: [] };
  if (!namedKey("timestamp", held, trust.root)) {
    throw new RebootlessError(
      "config",
      `root version ${trust.version} does not name this key for the role timestamp`,
      {
        hint: "The publisher has to add it to the root of trust, which then reaches this mirror by sync or import.",
      },
    );
  }
  const index = await dir.requireIndex();
  const site = await readSiteTimestamps(dir);
  const batch = await dir.batch();
  const done: BuildId[] = [];
  const expired: BuildId[] = [];
  let until: Instant | undefined;
  for (const [id, line] of index) {
    const bundle = await dir.bundle(id);
    if (!bundle)
      throw new RebootlessError("trust", `${feedPath(id)} is damaged: run \`mirror verify\` first`);
    const { trusted } = await verifyMirrored(id, bundle, undefined, trust, IGNORE_EXPIRY_UNSAFE);
    // A timestamp can name expired metadata, but cannot make it fresh.
    const { snapshot, targets, timestamp } = trusted;
    const expires = instant(Math.min(now + lifetime, snapshot.expires, targets.expires));
    if (expires <= now) {
      expired.push(id);
      continue;
    }
    const version = Math.max(site.get(id) ?? 0, timestamp.version) + 1;
    const named = await fileMeta(snapshot.version, bundle.snapshot, digests);
    const document = timestampDocument({ version, expires, snapshot: named });
    const fresh = { ...bundle, timestamp: await signOnline("timestamp", document, held, trust.root) };
    await verifyMirrored(id, fresh, bundle, trust, enforcedAt(now));
    const feed = encodeBundle(fresh);
    await batch.write(`${metadataPath(id)}/timestamp.json`, fresh.timestamp);
    await batch.write(feedPath(id), feed);
    index.set(id, { ...line, expires, sha256: sha256Of(feed) });
    site.set(id, version);
    done.push(id);
    if (until === undefined || expires < until) until = expires;
  }
  await writeSiteTimestamps(dir, site); // written before any host can see one, because a version is never used twice
  await batch.commit();
  await dir.writeIndex(index);
  return { kernels: done, expired, until };
}
