import type { BuildId } from "../shared/brand.ts";
import { sha256Of } from "../shared/crypto/digest.ts";
import { RebootlessError } from "../shared/errors.ts";
import { encodeBundle } from "../shared/feed/bundle.ts";
import { feedPath, metadataPath } from "../shared/feed/paths.ts";
import { type Instant, instant } from "../shared/time.ts";
import { fileMeta, timestampDocument } from "../shared/tuf/metadata.ts";
import { namedKey, type OnlineKey, signOnline } from "../shared/tuf/online_keys.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import { openTrust } from "./mirror_trust.ts";
import { readSiteTimestamps, writeSiteTimestamps } from "./site_timestamps.ts";
import { EXPIRY_IS_NO_MATTER, verifyMirrored } from "./verified_kernel.ts";

export interface ResignOptions {
  readonly dir: MirrorDir;
  readonly keys: readonly OnlineKey[];
  readonly now: Instant;
  /** Milliseconds from now. */
  readonly lifetime: number;
}

export interface Resigned {
  readonly kernels: readonly BuildId[];
  /** Kernels of which snapshot or targets has run out: nobody but the publisher can put that right. */
  readonly expired: readonly BuildId[];
  /** The first end of what was signed. */
  readonly until: Instant | undefined;
}

/**
 * Signs every kernel's timestamp again, with a key of the site's that the root names: the same snapshot, a later end, a
 * version that no host has seen. Nothing else can be changed like this. Throws `config` for a key that the root does not name.
 */
export async function resign({ dir, keys, now, lifetime }: ResignOptions): Promise<Resigned> {
  const trust = await openTrust(dir);
  const held = { timestamp: keys, snapshot: [] };
  if (!namedKey("timestamp", held, trust.root)) {
    throw new RebootlessError("config", `root version ${trust.version} names no such key for timestamp`, {
      hint: "The publisher adds it to the root of trust, and the root reaches this mirror by sync or import.",
    });
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
    const { trusted } = await verifyMirrored(id, bundle, undefined, trust, EXPIRY_IS_NO_MATTER);
    // It could name what has run out, but not make it fresh.
    const { snapshot, targets, timestamp } = trusted;
    const expires = instant(Math.min(now + lifetime, snapshot?.expires ?? 0, targets?.expires ?? 0));
    if (expires <= now) {
      expired.push(id);
      continue;
    }
    const version = Math.max(site.get(id) ?? 0, timestamp?.version ?? 0) + 1;
    const named = await fileMeta(snapshot?.version ?? 0, bundle.snapshot);
    const document = timestampDocument({ version, expires, snapshot: named });
    const fresh = { ...bundle, timestamp: await signOnline("timestamp", document, held, trust.root) };
    await verifyMirrored(id, fresh, bundle, trust, now);
    const feed = encodeBundle(fresh);
    await batch.write(`${metadataPath(id)}/timestamp.json`, fresh.timestamp);
    await batch.write(feedPath(id), feed);
    index.set(id, { ...line, expires, sha256: await sha256Of(feed) });
    site.set(id, version);
    done.push(id);
    if (until === undefined || expires < until) until = expires;
  }
  await writeSiteTimestamps(dir, site); // before anybody can see one: a version is never used twice
  await batch.commit();
  await dir.writeIndex(index);
  return { kernels: done, expired, until };
}
