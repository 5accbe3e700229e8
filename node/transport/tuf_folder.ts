import { type BuildId, sha256Hex } from "../../shared/brand.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { BUNDLED_ROOTS, encodeBundle } from "../../shared/feed/bundle.ts";
import {
  consistentTarget,
  feedPathBuildId,
  manifestTarget,
  metadataPath,
  targetsPath,
} from "../../shared/feed/paths.ts";
import {
  MAX_MANIFEST_BYTES,
  MAX_ROOT_BYTES,
  MAX_ROOT_ROTATIONS,
  MAX_SNAPSHOT_BYTES,
  MAX_TARGETS_BYTES,
  MAX_TIMESTAMP_BYTES,
} from "../../shared/limits.ts";
import { decodeSnapshot, decodeTargets, decodeTimestamp, parseEnvelope } from "../../shared/tuf/schema.ts";
import { type Feed, unreachable } from "./feed.ts";
import { tagged } from "./folder_feed.ts";

/**
 * Makes feed.json from the standard files, for a folder that some other TUF tool filled. Nothing is trusted here, as
 * nothing in a feed.json is: each file only names the next one.
 */
export function withTufFiles(folder: Feed): Feed {
  return {
    ...folder,
    async get(path, limits) {
      const fetched = await folder.get(path, limits);
      const id = fetched.status === "not_found" ? feedPathBuildId(path) : undefined;
      const bytes = id && (await feedOfTufFiles(folder, id));
      return bytes ? tagged(bytes, limits) : fetched;
    },
  };
}

async function feedOfTufFiles(folder: Feed, id: BuildId): Promise<Uint8Array | undefined> {
  const base = metadataPath(id);
  const timestamp = await read(folder, `${base}/timestamp.json`, MAX_TIMESTAMP_BYTES);
  if (!timestamp) return undefined;
  try {
    const { version } = decodeTimestamp(parseEnvelope(timestamp, "timestamp").signed).snapshot;
    const snapshot = await have(folder, `${base}/${version}.snapshot.json`, MAX_SNAPSHOT_BYTES);
    const listed = decodeSnapshot(parseEnvelope(snapshot, "snapshot").signed).meta.get("targets.json");
    const targets = await have(folder, `${base}/${listed?.version ?? 0}.targets.json`, MAX_TARGETS_BYTES);
    const file = decodeTargets(parseEnvelope(targets, "targets").signed).targets.get(manifestTarget(id));
    const name = consistentTarget(id, sha256Hex(file?.hashes.get("sha256") ?? ""));
    const manifest = await have(folder, `${targetsPath(id)}/${name}`, MAX_MANIFEST_BYTES);
    return encodeBundle({
      buildId: id,
      roots: await newestRoots(folder, base),
      timestamp,
      snapshot,
      targets,
      manifest,
    });
  } catch (cause) {
    if (!isCode(cause, "parse") && !isCode(cause, "limit")) throw cause;
    throw new RebootlessError("trust", `${folder.url}${base} has files that are no metadata`, { cause });
  }
}

/**
 * Reads the newest roots. A host was given version 1 when it was set up. Versions have no gaps, so bisection finds
 * the last in eight steps.
 */
async function newestRoots(folder: Feed, base: string): Promise<readonly Uint8Array[]> {
  const root = (version: number) => read(folder, `${base}/${version}.root.json`, MAX_ROOT_BYTES);
  let [last, absent] = [1, MAX_ROOT_ROTATIONS + 1];
  while (absent - last > 1) {
    const middle = Math.floor((last + absent) / 2);
    if (await root(middle)) last = middle;
    else absent = middle;
  }
  const roots: Uint8Array[] = [];
  for (let version = Math.max(2, last + 1 - BUNDLED_ROOTS); version <= last; version++) {
    const bytes = await root(version);
    if (bytes) roots.push(bytes);
  }
  return roots;
}

async function read(folder: Feed, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const fetched = await folder.get(path, { maxBytes });
  return fetched.status === "ok" ? fetched.bytes : undefined;
}

async function have(folder: Feed, path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await read(folder, path, maxBytes);
  if (bytes) return bytes;
  throw unreachable(`${folder.url}${path}`, "is missing: the copy is incomplete");
}
