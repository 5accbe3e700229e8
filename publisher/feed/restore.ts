import { MirrorDir } from "../../mirror/mirror_dir.ts";
import { MirrorTrust } from "../../mirror/mirror_trust.ts";
import { verifyMirrored } from "../../mirror/verified_kernel.ts";
import { sha256Of } from "../../node/crypto.ts";
import { type BuildId, isBuildId, isSha256Hex, type Sha256Hex } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactsIn } from "../../shared/feed/artifacts.ts";
import { encodeBatch, PUBLICATIONS_PATH } from "../../shared/feed/batch.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { artifactPath, feedPath, rootPath } from "../../shared/feed/paths.ts";
import {
  encodeRootChain,
  type Publication,
  ROOT_CHAIN_PATH,
  ROOT_PATH,
} from "../../shared/feed/publication.ts";
import { MAX_ARTIFACT_BYTES, MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { IGNORE_EXPIRY_UNSAFE } from "../../shared/tuf/expiry.ts";
import { decodeSnapshot, decodeTimestamp, parseEnvelope } from "../../shared/tuf/schema.ts";
import { ArtifactSender, type LocalArtifacts } from "./artifact_sender.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";
import { rootVersionsAmong } from "./publisher_folder.ts";
import { decodeResults, type EdgeResult, MAX_RESULTS_BYTES } from "./results.ts";
import { fetchRoot } from "./root_chain.ts";

export interface RestoredFeed {
  readonly kernels: number;
  readonly restored: number;
  /** The number of kernels of which the feed has the same version, or a newer one. */
  readonly kept: number;
}

/** A kernel that the edge refused, or that is damaged in the backup. */
export interface Unrestored {
  readonly buildId: BuildId;
  readonly error: RebootlessError;
}

/** The number of kernels in one request, unless their bytes fill it before. */
const BATCH = 32;
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Restores a feed from a backup: the roots that the feed lacks, then the kernels, artifacts first. Each
 * kernel is verified before it is sent, and checked by the edge like any publish. What the feed has is never
 * replaced by something older. The edge signs snapshot and timestamp again, with versions well above those
 * that hosts have seen.
 *
 * @throws RebootlessError `refused`, `trust`, `unreachable`.
 */
export async function restore(
  edge: EdgeClient,
  path: string,
  progress: (line: string) => void,
): Promise<RestoredFeed & { readonly faults: readonly Unrestored[] }> {
  const folder = new MirrorDir(path);
  const trust = await restoreRoots(edge, folder);
  const kernels = (await folder.files.names("kernels")).filter(isBuildId);
  const staging = new ArtifactSender(edge, await artifactsOfBackup(folder));
  const totals = { kernels: kernels.length, restored: 0, kept: 0 };
  const faults: Unrestored[] = [];
  let batch: Publication[] = [];
  let bytes = 0;
  const flush = async () => {
    for (const { buildId, outcome, error } of await sendBatch(edge, batch)) {
      if (outcome === "published") totals.restored++;
      else if (outcome === "conflict") totals.kept++;
      else if (error) faults.push({ buildId, error });
    }
    batch = [];
    bytes = 0;
  };
  for (const [done, id] of kernels.entries()) {
    const publication = await publicationOf(folder, trust, id, staging).catch((error: unknown) => {
      if (!(error instanceof RebootlessError) || error.code === "unreachable") throw error;
      faults.push({ buildId: id, error });
    });
    if (publication) {
      batch.push(publication);
      bytes += publication.targets.length + publication.manifest.length;
    }
    if (batch.length === BATCH || bytes > BATCH_BYTES) await flush();
    if ((done + 1) % 500 === 0) progress(`${done + 1} of ${counted(kernels.length, "kernel")}`);
  }
  await flush();
  return { ...totals, faults };
}

/** Sends the roots that the feed lacks. Returns the trust in the newest root of the backup. */
async function restoreRoots(edge: EdgeClient, folder: MirrorDir): Promise<MirrorTrust> {
  const versions = rootVersionsAmong(await folder.files.names(ROOT_PATH));
  const newest = versions.at(-1);
  if (newest === undefined) {
    throw new RebootlessError("usage", `${folder.path} is no backup: it has no ${ROOT_PATH}/N.root.json`);
  }
  const read = (version: number) => readFromBackup(folder, rootPath(version), MAX_ROOT_BYTES);
  const missing: Uint8Array[] = [];
  for (const version of [...versions].reverse()) {
    if (version === 1 || (await fetchRoot(edge, version)) !== undefined) break;
    missing.unshift(await read(version));
  }
  if (missing.length > 0) {
    const body = encodeRootChain(missing);
    const answer = await edge.send({ method: "POST", path: `/${ROOT_CHAIN_PATH}`, body });
    if (answer.status !== 201) throw refusedByEdge(answer, "the roots");
  }
  return MirrorTrust.from(await read(newest));
}

/**
 * Makes a publication of what the backup has of a kernel, and uploads its artifacts.
 *
 * @throws RebootlessError `trust` for what is damaged.
 */
async function publicationOf(
  folder: MirrorDir,
  trust: MirrorTrust,
  id: BuildId,
  staging: ArtifactSender,
): Promise<Publication> {
  const bundle = decodeBundle(await readFromBackup(folder, feedPath(id), MAX_BUNDLE_BYTES));
  const { manifest, trusted } = await verifyMirrored(id, bundle, undefined, trust, IGNORE_EXPIRY_UNSAFE);
  await staging.provide(artifactsIn(manifest).map(({ sha256 }) => sha256));
  const { targets } = bundle;
  return {
    buildId: id,
    base: trusted.targets.version - 1,
    targets,
    manifest: bundle.manifest,
    restored: signedVersions(bundle),
  };
}

async function sendBatch(edge: EdgeClient, batch: readonly Publication[]): Promise<readonly EdgeResult[]> {
  if (batch.length === 0) return [];
  const body = encodeBatch(batch);
  const answer = await edge.send({ method: "POST", path: `/${PUBLICATIONS_PATH}`, body }, MAX_RESULTS_BYTES);
  if (answer.status !== 200) throw refusedByEdge(answer, "what the backup has");
  return decodeResults(answer.body);
}

const signedVersions = ({ snapshot, timestamp }: Bundle) => ({
  snapshot: decodeSnapshot(parseEnvelope(snapshot, "snapshot").signed).version,
  timestamp: decodeTimestamp(parseEnvelope(timestamp, "timestamp").signed).version,
});

async function artifactsOfBackup(folder: MirrorDir): Promise<LocalArtifacts> {
  const digests = (await folder.files.names("artifacts")).filter(isSha256Hex);
  return new Map(digests.map((sha256) => [sha256, () => readArtifact(folder, sha256)]));
}

async function readArtifact(folder: MirrorDir, sha256: Sha256Hex): Promise<Uint8Array> {
  const bytes = await readFromBackup(folder, artifactPath(sha256), MAX_ARTIFACT_BYTES);
  if (sha256Of(bytes) === sha256) return bytes;
  throw new RebootlessError("trust", `${artifactPath(sha256)} of the backup is damaged`);
}

/** Reads a file of the backup. @throws RebootlessError `trust` if the backup lacks the file. */
async function readFromBackup(folder: MirrorDir, path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await folder.read(path, maxBytes);
  if (bytes) return bytes;
  throw new RebootlessError("trust", `${path} of the backup is missing, or is not a plain file of its kind`);
}
