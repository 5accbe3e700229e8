import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { tarEnd, tarHeader, tarPadding } from "../shared/archive/tar.ts";
import type { BuildId, Sha256Hex } from "../shared/brand.ts";
import { sha256Hex } from "../shared/brand.ts";
import { fromUtf8 } from "../shared/bytes.ts";
import { sha256Of } from "../shared/crypto/digest.ts";
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
import { type Instant, SECOND } from "../shared/time.ts";
import { decodeTargets, parseEnvelope } from "../shared/tuf/schema.ts";
import { brief, type Change } from "./carried.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import { digestAfter, type MirrorState, SHORT_DIGEST } from "./mirror_state.ts";
import { partName } from "./parts.ts";
import { readSiteTimestamps } from "./site_timestamps.ts";
import {
  encodePart,
  encodeTransfer,
  MAX_PARTS,
  PART,
  PART_DATA,
  RENEWALS_FILE,
  renewalsFile,
  requireLimits,
  TRANSFER,
  type Transfer,
  type TransferFile,
} from "./transfer.ts";
import { openTrust } from "./trust.ts";

export interface Exported {
  readonly transfer: Transfer;
  /** Of transfer.json. */
  readonly digest: Sha256Hex;
  readonly changes: readonly Change[];
  readonly roots: readonly number[];
  /** The files that were written. */
  readonly written: readonly string[];
  readonly bytes: number;
}

export interface ExportOptions {
  readonly dir: MirrorDir;
  /** What the other side has; undefined: nothing is known of it, and all goes along. */
  readonly since: MirrorState | undefined;
  readonly output: string;
  /** Bytes of a part, or undefined: one file. */
  readonly split: number | undefined;
  readonly now: Instant;
}

/** Bytes at hand, or those of the mirror's file at the path. */
type Content = { readonly bytes: Uint8Array } | { readonly from: MirrorDir };
type Entry = TransferFile & Content;

/** Writes what a mirror has and another lacks into one file. Throws `trust` where the mirror itself is damaged. */
export async function exportMirror(options: ExportOptions): Promise<Exported> {
  const { dir, since, now } = options;
  const index = await dir.requireIndex();
  if ((await readSiteTimestamps(dir)).size > 0) {
    throw new RebootlessError(
      "usage",
      `${dir.path} has timestamps of this site's own, which are good for its hosts alone`,
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
  const entries: Entry[] = [];
  for (const version of roots) entries.push(await entryOf(rootPath(version), trust.file(version)));
  for (const entry of await renewals(dir, renewed)) entries.push(entry);
  const changes = await carried(dir, changed, since, entries);
  requireLimits(entries);
  const transfer: Transfer = {
    made: now,
    base: since?.digest ?? null,
    result: await digestAfter(trust.version, index, since),
    kernels: changed.map(({ buildId: id }) => id),
    renewed: renewed.length,
    files: entries.map(({ path, length, sha256 }) => ({ path, length, sha256 })),
  };
  const head = encodeTransfer(transfer);
  const digest = await sha256Of(head);
  const written = await writeOut(options, [await entryOf(TRANSFER, head), ...entries], digest);
  const sizes = await Promise.all(written.map(async (path) => (await stat(path)).size));
  return { transfer, digest, changes, roots, written, bytes: sizes.reduce((a, b) => a + b, 0) };
}

function isRenewed({ buildId: id, version, timestamp }: IndexLine, since: MirrorState | undefined): boolean {
  const had = since?.kernels.get(id);
  return had?.version === version && had.timestamp !== timestamp;
}

async function entryOf(path: string, bytes: Uint8Array = new Uint8Array()): Promise<Entry> {
  return { path, length: bytes.length, sha256: await sha256Of(bytes), bytes };
}

async function renewals(dir: MirrorDir, lines: readonly IndexLine[]): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
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

/** Feeds that changed, and the artifacts that the other side does not have. */
async function carried(
  dir: MirrorDir,
  lines: readonly IndexLine[],
  since: MirrorState | undefined,
  entries: Entry[],
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  const going = new Set<string>();
  for (const { buildId: id, sha256 } of lines) {
    const bundle = await dir.bundle(id);
    const length = await dir.files.size(feedPath(id));
    if (!bundle || length === undefined) throw damaged(feedPath(id));
    const after = decodeManifest(bundle.manifest);
    for (const artifact of artifactsIn(after)) {
      if (going.has(artifact.sha256) || since?.artifacts.has(artifact.sha256.slice(0, SHORT_DIGEST)))
        continue;
      going.add(artifact.sha256);
      const path = artifactPath(artifact.sha256);
      entries.push({ path, length: artifact.length, sha256: artifact.sha256, from: dir });
    }
    entries.push({ path: feedPath(id), length, sha256, from: dir });
    const before = await manifestAt(dir, id, since?.kernels.get(id)?.version);
    changes.push({ before: before && brief(before), after: brief(after) });
  }
  return changes;
}

/** The manifest of an old version, where it is still here: for the summary alone. */
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
    return undefined; // then everything counts as new
  }
}

async function writeOut(
  { output, split, now }: ExportOptions,
  entries: readonly Entry[],
  digest: Sha256Hex,
): Promise<readonly string[]> {
  const whole = `${output}.${process.pid}.new`;
  try {
    await writeWhole(whole, entries, Math.floor(now / SECOND));
    if (split === undefined) {
      await rename(whole, output);
      return [output];
    }
    return await writeParts(whole, output, split, digest, Math.floor(now / SECOND));
  } finally {
    await rm(whole, { force: true });
  }
}

async function writeWhole(path: string, entries: readonly Entry[], seconds: number): Promise<void> {
  const out = await openNew(path);
  try {
    for (const entry of entries) {
      await out.writeFile(tarHeader(entry.path, entry.length, seconds));
      await writeContent(out, entry);
      await out.writeFile(tarPadding(entry.length));
    }
    await out.writeFile(tarEnd());
    await out.sync();
  } finally {
    await out.close();
  }
}

/** A file of the mirror is read once: what is written is what its digest was compared with. */
async function writeContent(out: FileHandle, entry: Entry): Promise<void> {
  if ("bytes" in entry) return out.writeFile(entry.bytes);
  const bytes = await entry.from.read(entry.path, entry.length).catch((cause: unknown) => {
    throw damaged(entry.path, cause);
  });
  if (bytes?.length !== entry.length || (await sha256Of(bytes)) !== entry.sha256) throw damaged(entry.path);
  await out.writeFile(bytes);
}

async function writeParts(
  whole: string,
  output: string,
  size: number,
  transfer: Sha256Hex,
  seconds: number,
): Promise<readonly string[]> {
  const total = (await stat(whole)).size;
  const parts = Math.ceil(total / size);
  if (parts > MAX_PARTS) {
    throw new RebootlessError(
      "usage",
      `parts of ${size} bytes would be ${parts}, at most ${MAX_PARTS} make sense`,
    );
  }
  const written: string[] = [];
  for (let part = 1; part <= parts; part++) {
    const start = (part - 1) * size;
    const length = Math.min(size, total - start);
    const read = () => createReadStream(whole, { start, end: start + length - 1 });
    const hash = createHash("sha256");
    for await (const chunk of read()) hash.update(chunk as Buffer);
    const head = encodePart({ transfer, part, parts, length, sha256: sha256Hex(hash.digest("hex")) });
    const path = partName(output, part);
    const out = await openNew(`${path}.new`);
    try {
      for (const bytes of [tarHeader(PART, head.length, seconds), head, tarPadding(head.length)]) {
        await out.writeFile(bytes);
      }
      await out.writeFile(tarHeader(PART_DATA, length, seconds));
      for await (const chunk of read()) await out.writeFile(chunk as Buffer);
      await out.writeFile(tarPadding(length));
      await out.writeFile(tarEnd());
      await out.sync();
    } finally {
      await out.close();
    }
    await rename(`${path}.new`, path);
    written.push(path);
  }
  return written;
}

async function openNew(path: string): Promise<FileHandle> {
  await rm(path, { force: true });
  return open(path, "wx").catch((cause: unknown) => {
    throw new RebootlessError("io", `cannot write ${path}`, { cause });
  });
}

const damaged = (path: string, cause?: unknown): RebootlessError =>
  new RebootlessError("trust", `${path} of this mirror is damaged or missing`, {
    cause,
    hint: "Nothing was written. Run `rebootless mirror verify`, then `rebootless mirror sync`.",
  });
