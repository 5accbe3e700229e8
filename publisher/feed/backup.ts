import type { ClosedFolder } from "../../node/folder/closed_folder.ts";
import { verifyPublished } from "../../node/verifier.ts";
import { type BuildId, sha256Hex } from "../../shared/brand.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { counted } from "../../shared/counted.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { artifactsIn } from "../../shared/feed/artifacts.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { bundleSource } from "../../shared/feed/bundle_source.ts";
import {
  decodeIndex,
  encodeIndex,
  INDEX_PATH,
  type Index,
  type IndexLine,
  indexLine,
  MAX_INDEX_BYTES,
} from "../../shared/feed/kernel_index.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import {
  artifactPath,
  consistentTarget,
  feedPath,
  manifestTarget,
  metadataPath,
  targetsPath,
} from "../../shared/feed/paths.ts";
import { ROOT_PATH } from "../../shared/feed/publication.ts";
import type { Artifact } from "../../shared/feed/update.ts";
import { etagOf } from "../../shared/http/etag.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_TARGETS_BYTES } from "../../shared/limits.ts";
import { inParallel } from "../../shared/parallel.ts";
import { instant } from "../../shared/time.ts";
import { refresh } from "../../shared/tuf/refresh.ts";
import { decodeTargets, parseEnvelope } from "../../shared/tuf/schema.ts";
import { emptyStore } from "../../shared/tuf/staged_store.ts";
import { readRoot } from "../keys/root.ts";
import { backupFolder, kernelsIn, putFile } from "./backup_files.ts";
import { type EdgeClient, refusal } from "./edge_client.ts";
import { endlessList, walkKernels } from "./listed_kernels.ts";
import { newerRoots } from "./root_chain.ts";

/*
 * A backup is the feed's public files at the paths that they have there: roots, each kernel's feed.json, its modules and
 * fingerprints, and the targets and manifests that were in force before. So it is a mirror too, which hosts may ask and
 * which `rebootless verify` checks; and it takes no token, as there is nothing in a feed that is not public.
 */

export type Source = Pick<EdgeClient, "get">;

export interface BackedUp {
  readonly kernels: number;
  /** Those that were not as the backup had them. */
  readonly changed: number;
  /** That were fetched. */
  readonly bytes: number;
}

const AT_ONCE = 8;
/** A backup keeps what has expired: it is there to be put back. */
const EXPIRY_IS_NO_MATTER = instant(0);

/**
 * Brings a folder up to what the feed has, and leaves a list of it. Each kernel is verified against the root before its feed.json, which is written
 * last, says that it is here. Throws `trust` in the end when some did not verify: what the folder had of them stays.
 *
 * @param root that is trusted, of any version.
 */
export async function backUp(
  source: Source,
  path: string,
  root: Uint8Array,
  progress: (line: string) => void,
): Promise<BackedUp> {
  const folder = backupFolder(path);
  const newest = await backUpRoots(source, folder, root);
  const list = await walkKernels(source);
  const ids = list.kernels.map(({ buildId }) => buildId);
  const kernels = [...new Set([...ids, ...(await kernelsIn(folder))])];
  const before = await indexOf(folder);
  const index: Index = new Map();
  const totals = { kernels: kernels.length, changed: 0, bytes: 0 };
  const faults: RebootlessError[] = [];
  let done = 0;
  await inParallel(kernels, AT_ONCE, async (id) => {
    try {
      const { bytes, line } = await backUpKernel(source, folder, newest, id, before.get(id));
      if (bytes > 0) totals.changed++;
      totals.bytes += bytes;
      if (line) index.set(id, line);
    } catch (error) {
      if (!(error instanceof RebootlessError) || !["trust", "parse"].includes(error.code)) throw error;
      faults.push(error);
      const line = before.get(id);
      if (line) index.set(id, line);
      progress(`kernel ${id}: ${error.message}`);
    }
    if (++done % 500 === 0) progress(`${done} of ${counted(kernels.length, "kernel")}`);
  });
  await putIndex(folder, encodeIndex(index));
  const [first] = faults;
  if (!first && list.broken !== undefined) {
    throw endlessList(
      list.broken,
      "What it listed until then, and what the folder had, is backed up. Tell whoever runs the feed.",
    );
  }
  if (!first) return totals;
  throw new RebootlessError(
    "trust",
    `${faults.length} of ${counted(kernels.length, "kernel")} did not verify`,
    {
      cause: first,
      hint: "The others are backed up; of these the folder has what it had before.",
    },
  );
}

/** The root that was given and all that followed, each verified by the one before. Returns the newest. */
async function backUpRoots(source: Source, folder: ClosedFolder, held: Uint8Array): Promise<Uint8Array> {
  const { version } = await readRoot(held);
  const put = (n: number, bytes: Uint8Array) => putFile(folder, `${ROOT_PATH}/${n}.root.json`, bytes);
  await put(version, held);
  const newer = await newerRoots(source, held);
  for (const { root, bytes } of newer) await put(root.version, bytes);
  return newer.at(-1)?.bytes ?? held;
}

/** The list of what a backup has, for mirrors of it; empty where there is none, or one that is damaged. */
async function indexOf(folder: ClosedFolder): Promise<Index> {
  const bytes = await folder.readIfThere(INDEX_PATH, MAX_INDEX_BYTES);
  try {
    return bytes ? decodeIndex(bytes) : new Map();
  } catch (error) {
    if (isCode(error, "parse")) return new Map();
    throw error;
  }
}

async function putIndex(folder: ClosedFolder, bytes: Uint8Array): Promise<void> {
  const present = await folder.readIfThere(INDEX_PATH, MAX_INDEX_BYTES);
  if (!(present && equalBytes(present, bytes))) await putFile(folder, INDEX_PATH, bytes);
}

interface BackedUpKernel {
  /** That were fetched, none for a kernel that is here as it is there. */
  readonly bytes: number;
  /** Undefined for what does not verify any more, as its keys were replaced. */
  readonly line: IndexLine | undefined;
}

async function backUpKernel(
  source: Source,
  folder: ClosedFolder,
  root: Uint8Array,
  id: BuildId,
  listed: IndexLine | undefined,
): Promise<BackedUpKernel> {
  const had = await folder.readIfThere(feedPath(id), MAX_BUNDLE_BYTES);
  const known = had && (await sha256Of(had));
  const answer = await source.get(feedPath(id), MAX_BUNDLE_BYTES, known && etagOf(known));
  const isGone = answer.status === 404; // lost there: this is what a backup is for
  if (had && (isGone || answer.status === 304)) {
    const bundle = decodeBundle(had);
    const bytes = isGone ? 0 : await backUpArtifacts(source, folder, decodeManifest(bundle.manifest));
    const again = () => verified(bundle, id, root).then((found) => found.line(had), unlessTrusted);
    return { bytes, line: listed?.sha256 === known ? listed : await again() };
  }
  if (answer.status !== 200) throw refusal(answer, `to show kernel ${id}`);
  const bundle = decodeBundle(answer.body);
  const { manifest, version, line } = await verified(bundle, id, root);
  let bytes = await backUpArtifacts(source, folder, manifest);
  const since = had ? targetsVersion(decodeBundle(had).targets) : 1;
  for (let old = since; old < version; old++) bytes += await backUpOld(source, folder, id, old);
  await putFile(folder, feedPath(id), answer.body);
  return { bytes: bytes + answer.body.length, line: await line(answer.body) };
}

function unlessTrusted(error: unknown): undefined {
  if (!isCode(error, "trust")) throw error;
}

interface VerifiedFeed {
  readonly manifest: KernelManifest;
  /** Of targets. */
  readonly version: number;
  /** @param bytes of feed.json. */
  readonly line: (bytes: Uint8Array) => Promise<IndexLine>;
}

/** The manifest of a feed that its root's keys signed. Throws `trust`. */
export async function verified(bundle: Bundle, id: BuildId, root: Uint8Array): Promise<VerifiedFeed> {
  const trusted = await refresh({
    source: bundleSource(bundle, async () => undefined),
    store: emptyStore,
    provisionedRoot: root,
    now: EXPIRY_IS_NO_MATTER,
    verify: verifyPublished,
  });
  const manifest = await verifyManifest(trusted, id, bundle.manifest);
  return {
    manifest,
    version: trusted.targets?.version ?? 0,
    line: async (bytes) => indexLine(manifest, trusted, await sha256Of(bytes)),
  };
}

const targetsVersion = (bytes: Uint8Array): number =>
  decodeTargets(parseEnvelope(bytes, "targets").signed).version;

async function backUpArtifacts(
  source: Source,
  folder: ClosedFolder,
  manifest: KernelManifest,
): Promise<number> {
  let bytes = 0;
  for (const { sha256, length } of artifactsIn(manifest)) {
    const path = artifactPath(sha256);
    if ((await folder.size(path)) === length) continue;
    await putFile(folder, path, await named(source, path, { sha256, length }));
    bytes += length;
  }
  return bytes;
}

/** Targets that were in force once, and their manifest. 0 when they are here, or nowhere: a feed may have been put back. */
async function backUpOld(
  source: Source,
  folder: ClosedFolder,
  id: BuildId,
  version: number,
): Promise<number> {
  const path = `${metadataPath(id)}/${version}.targets.json`;
  if ((await folder.size(path)) !== undefined) return 0;
  const answer = await source.get(path, MAX_TARGETS_BYTES);
  if (answer.status !== 200) return 0;
  const { targets } = decodeTargets(parseEnvelope(answer.body, "targets").signed);
  const target = targets.get(manifestTarget(id));
  const digest = target?.hashes.get("sha256");
  let bytes = answer.body.length;
  if (target && digest !== undefined) {
    const sha256 = sha256Hex(digest);
    const at = `${targetsPath(id)}/${consistentTarget(id, sha256)}`;
    if (target.length > MAX_MANIFEST_BYTES) throw new RebootlessError("parse", `${path} names too much`);
    const manifest = await named(source, at, { sha256, length: target.length });
    await putFile(folder, at, manifest);
    bytes += manifest.length;
  }
  await putFile(folder, path, answer.body);
  return bytes;
}

/** A file that is named by its digest. Throws `trust`. */
async function named(source: Source, path: string, { sha256, length }: Artifact): Promise<Uint8Array> {
  const answer = await source.get(path, length);
  if (answer.status !== 200) throw refusal(answer, `to send ${path}`);
  if (answer.body.length === length && (await sha256Of(answer.body)) === sha256) return answer.body;
  throw new RebootlessError("trust", `${path} is not what its name says`);
}
