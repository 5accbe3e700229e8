import { stat } from "node:fs/promises";
import { sha256Of } from "../node/crypto.ts";
import type { BuildId, Sha256Hex } from "../shared/brand.ts";
import { sha256Hex } from "../shared/brand.ts";
import { fromUtf8 } from "../shared/bytes.ts";
import { RebootlessError } from "../shared/errors.ts";
import { artifactsIn } from "../shared/feed/artifacts.ts";
import type { IndexLine } from "../shared/feed/kernel_index.ts";
import { renewalsToJson } from "../shared/feed/listing.ts";
import { decodeManifest, type KernelManifest } from "../shared/feed/manifest.ts";
import {
  artifactPath,
  consistentTarget,
  feedPath,
  manifestTarget,
  metadataPath,
  rootPath,
  targetsPath,
} from "../shared/feed/paths.ts";
import { encodeJson } from "../shared/json.ts";
import { MAX_MANIFEST_BYTES, MAX_TARGETS_BYTES } from "../shared/limits.ts";
import { decodeTargets, parseEnvelope } from "../shared/tuf/schema.ts";
import { briefUpdates, type UpdatesChange } from "./change_summary.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import { digestAfter, type MirrorState, SHORT_DIGEST } from "./mirror_state.ts";
import { openTrust } from "./mirror_trust.ts";
import { readSiteTimestamps } from "./site_timestamps.ts";
import {
  encodeTransfer,
  RENEWALS_FILE,
  renewalsFile,
  requireLimits,
  TRANSFER,
  type Transfer,
} from "./transfer.ts";
import { damaged, type TransferEntry, type TransferOutput, writeTransfer } from "./transfer_writer.ts";

export interface Exported {
  readonly transfer: Transfer;
  /** The SHA-256 of transfer.json. */
  readonly digest: Sha256Hex;
  readonly changes: readonly UpdatesChange[];
  readonly roots: readonly number[];
  /** The files that were written. */
  readonly written: readonly string[];
  readonly bytes: number;
}

export interface ExportOptions extends TransferOutput {
  readonly dir: MirrorDir;
  /**
   * The state of the other mirror. If it is undefined, the state is not known, and everything is exported.
   */
  readonly since: MirrorState | undefined;
}

/**
 * Writes everything that a mirror has and another lacks into a transfer.
 *
 * @throws RebootlessError `trust` if the mirror itself is damaged, `usage` if it has timestamps of the site's
 * own.
 */
export async function exportMirror(options: ExportOptions): Promise<Exported> {
  const { dir, since, now } = options;
  const index = await dir.requireIndex();
  if ((await readSiteTimestamps(dir)).size > 0) {
    throw new RebootlessError(
      "usage",
      `${dir.path} has timestamps that this site signed, which are valid for its own hosts only`,
      {
        hint: "Export from the mirror outside.",
      },
    );
  }
  const trust = await openTrust(dir);
  const lines = [...index.values()].sort((a, b) => (a.buildId < b.buildId ? -1 : 1));
  const changed = lines.filter((line) => since?.kernels.get(line.buildId)?.version !== line.version);
  const renewed = lines.filter((line) => isRenewed(line, since));
  const roots: number[] = [];
  for (let version = Math.max(trust.first, (since?.root ?? 1) + 1); version <= trust.version; version++) {
    roots.push(version);
  }
  const entries: TransferEntry[] = [];
  for (const version of roots) entries.push(await entryOf(rootPath(version), trust.file(version)));
  for (const entry of await renewals(dir, renewed)) entries.push(entry);
  const changes = await addChanged(dir, changed, since, entries);
  requireLimits(entries);
  const transfer: Transfer = {
    made: now,
    base: since?.digest ?? null,
    result: digestAfter(trust.version, index, since),
    kernels: changed.map(({ buildId: id }) => id),
    renewed: renewed.length,
    files: entries.map(({ path, length, sha256 }) => ({ path, length, sha256 })),
  };
  const head = encodeTransfer(transfer);
  const digest = sha256Of(head);
  const written = await writeTransfer(options, [await entryOf(TRANSFER, head), ...entries], digest);
  const sizes = await Promise.all(written.map(async (path) => (await stat(path)).size));
  return { transfer, digest, changes, roots, written, bytes: sizes.reduce((a, b) => a + b, 0) };
}

function isRenewed({ buildId: id, version, timestamp }: IndexLine, since: MirrorState | undefined): boolean {
  const had = since?.kernels.get(id);
  return had?.version === version && had.timestamp !== timestamp;
}

async function entryOf(path: string, bytes: Uint8Array = new Uint8Array()): Promise<TransferEntry> {
  return { path, length: bytes.length, sha256: sha256Of(bytes), bytes };
}

async function renewals(dir: MirrorDir, lines: readonly IndexLine[]): Promise<readonly TransferEntry[]> {
  const entries: TransferEntry[] = [];
  for (let at = 0; at < lines.length; at += RENEWALS_FILE) {
    const texts = [];
    for (const { buildId } of lines.slice(at, at + RENEWALS_FILE)) {
      const bundle = await dir.bundle(buildId);
      if (!bundle) throw damaged(feedPath(buildId));
      texts.push({ buildId, timestamp: fromUtf8(bundle.timestamp), snapshot: fromUtf8(bundle.snapshot) });
    }
    entries.push(await entryOf(renewalsFile(at / RENEWALS_FILE), encodeJson(renewalsToJson(texts))));
  }
  return entries;
}

/**
 * Adds the feeds that changed, and the artifacts that the other mirror does not have. Returns the changes.
 */
async function addChanged(
  dir: MirrorDir,
  lines: readonly IndexLine[],
  since: MirrorState | undefined,
  entries: TransferEntry[],
): Promise<readonly UpdatesChange[]> {
  const changes: UpdatesChange[] = [];
  const added = new Set<string>();
  for (const { buildId: id, sha256 } of lines) {
    const bundle = await dir.bundle(id);
    const length = await dir.files.size(feedPath(id));
    if (!bundle || length === undefined) throw damaged(feedPath(id));
    const after = decodeManifest(bundle.manifest);
    for (const artifact of artifactsIn(after)) {
      if (added.has(artifact.sha256) || since?.artifacts.has(artifact.sha256.slice(0, SHORT_DIGEST)))
        continue;
      added.add(artifact.sha256);
      const path = artifactPath(artifact.sha256);
      entries.push({ path, length: artifact.length, sha256: artifact.sha256, from: dir });
    }
    entries.push({ path: feedPath(id), length, sha256, from: dir });
    const before = await manifestAt(dir, id, since?.kernels.get(id)?.version);
    changes.push({ before: before && briefUpdates(before), after: briefUpdates(after) });
  }
  return changes;
}

/** Returns the manifest of an old version for the summary, or undefined if it is no longer here. */
async function manifestAt(
  dir: MirrorDir,
  id: BuildId,
  version: number | undefined,
): Promise<KernelManifest | undefined> {
  if (version === undefined) return undefined;
  try {
    const targets = await dir.read(`${metadataPath(id)}/${version}.targets.json`, MAX_TARGETS_BYTES);
    const { targets: files } = decodeTargets(parseEnvelope(targets ?? new Uint8Array(), "targets").signed);
    const sha256 = sha256Hex(files.get(manifestTarget(id))?.hashes.get("sha256") ?? "");
    const bytes = await dir.read(`${targetsPath(id)}/${consistentTarget(id, sha256)}`, MAX_MANIFEST_BYTES);
    return bytes && decodeManifest(bytes);
  } catch {
    return undefined; // the summary then counts every update as new
  }
}
