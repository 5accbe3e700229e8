import { join } from "node:path";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactsIn } from "../../shared/feed/artifacts.ts";
import { encodeQuestion, MAX_BATCH, STAGING_PATH } from "../../shared/feed/batch.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { artifactPath, feedPath } from "../../shared/feed/paths.ts";
import {
  encodePublication,
  encodeRootChain,
  publishPath,
  ROOT_CHAIN_PATH,
  ROOT_PATH,
} from "../../shared/feed/publication.ts";
import { parseJson } from "../../shared/json.ts";
import { MAX_ARTIFACT_BYTES, MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { inParallel } from "../../shared/parallel.ts";
import { decodeSnapshot, decodeTimestamp, parseEnvelope } from "../../shared/tuf/schema.ts";
import { readRoot } from "../keys/root.ts";
import { verified } from "./backup.ts";
import { kernelsIn } from "./backup_files.ts";
import { type Answer, type EdgeClient, refusal } from "./edge_client.ts";
import { stageAll } from "./push.ts";
import { readBounded } from "./read_bounded.ts";
import { fetchRoot } from "./root_chain.ts";
import { rootVersions } from "./workspace.ts";

export interface Restored {
  readonly kernels: number;
  readonly restored: number;
  /** The feed has the same version, or a newer one. */
  readonly kept: number;
}

/** A kernel that the feed would not have, or that the backup has damaged. */
export interface Unrestored {
  readonly buildId: BuildId;
  readonly error: RebootlessError;
}

const AT_ONCE = 4;

/**
 * Puts a backup back: the roots that the feed lacks, then kernel by kernel, artifacts first, each verified before
 * it is sent and judged by the edge like any publish. What the feed has is never replaced by something older. The edge signs
 * snapshot and timestamp anew, well above what hosts have seen. Throws `refused`, `trust`, `unreachable`.
 */
export async function restore(
  edge: EdgeClient,
  folder: string,
  progress: (line: string) => void,
): Promise<Restored & { readonly faults: readonly Unrestored[] }> {
  const root = await restoreRoots(edge, folder);
  const kernels = await kernelsIn(folder);
  const totals = { kernels: kernels.length, restored: 0, kept: 0 };
  const faults: Unrestored[] = [];
  let done = 0;
  await inParallel(kernels, AT_ONCE, async (id) => {
    try {
      totals[await restoreKernel(edge, folder, root, id)]++;
    } catch (error) {
      if (!(error instanceof RebootlessError) || error.code === "unreachable") throw error;
      faults.push({ buildId: id, error });
      progress(`kernel ${id}: ${error.message}`);
    }
    if (++done % 500 === 0) progress(`${done} of ${kernels.length} kernels`);
  });
  return { ...totals, faults };
}

/** Returns the newest root of the backup. */
async function restoreRoots(edge: EdgeClient, folder: string): Promise<Uint8Array> {
  const versions = await rootVersions(join(folder, ROOT_PATH));
  const newest = versions.at(-1);
  if (newest === undefined) {
    throw new RebootlessError("usage", `${folder} is no backup: it has no ${ROOT_PATH}/N.root.json`);
  }
  const read = (version: number) =>
    readBounded(join(folder, ROOT_PATH, `${version}.root.json`), MAX_ROOT_BYTES);
  const missing: Uint8Array[] = [];
  for (const version of [...versions].reverse()) {
    if (version === 1 || (await fetchRoot(edge, version)) !== undefined) break;
    missing.unshift(await read(version));
  }
  if (missing.length > 0) {
    const body = encodeRootChain(missing);
    const answer = await edge.send({ method: "POST", path: `/${ROOT_CHAIN_PATH}`, body });
    if (answer.status !== 201) throw refusal(answer, "the roots");
  }
  const root = await read(newest);
  await readRoot(root);
  return root;
}

async function restoreKernel(
  edge: EdgeClient,
  folder: string,
  root: Uint8Array,
  id: BuildId,
): Promise<"restored" | "kept"> {
  const bundle = decodeBundle(await readBounded(join(folder, feedPath(id)), MAX_BUNDLE_BYTES));
  const { manifest, version } = await verified(bundle, id, root);
  await stageMissing(edge, folder, [...new Set(artifactsIn(manifest).map(({ sha256 }) => sha256))]);
  const { targets } = bundle;
  const body = encodePublication({
    buildId: id,
    base: version - 1,
    targets,
    manifest: bundle.manifest,
    restored: signedVersions(bundle),
  });
  const answer = await edge.send({ method: "POST", path: `/${publishPath(id)}`, body });
  if (answer.status === 409) return "kept";
  if (answer.status !== 201) throw refusal(answer, "what the backup has");
  return "restored";
}

const signedVersions = ({ snapshot, timestamp }: Bundle) => ({
  snapshot: decodeSnapshot(parseEnvelope(snapshot, "snapshot").signed).version,
  timestamp: decodeTimestamp(parseEnvelope(timestamp, "timestamp").signed).version,
});

/** Sends what the feed lacks, one at a time: a module may have 32 MB. */
async function stageMissing(edge: EdgeClient, folder: string, digests: readonly Sha256Hex[]): Promise<void> {
  for (let at = 0; at < digests.length; at += MAX_BATCH) {
    const asked = digests.slice(at, at + MAX_BATCH);
    const body = encodeQuestion("sha256", asked);
    const missing = missingIn(await edge.send({ method: "POST", path: `/${STAGING_PATH}`, body }));
    for (const sha256 of asked.filter((digest) => missing.has(digest))) {
      const bytes = await readBounded(join(folder, artifactPath(sha256)), MAX_ARTIFACT_BYTES);
      if ((await sha256Of(bytes)) !== sha256) {
        throw new RebootlessError("trust", `${artifactPath(sha256)} of the backup is damaged`);
      }
      await stageAll(edge, [bytes]);
    }
  }
}

function missingIn(answer: Answer): ReadonlySet<string> {
  if (answer.status !== 200) throw refusal(answer, "to say what it lacks");
  const list = new Decoder(parseJson(answer.body, "answer"), "answer").get("missing").array(MAX_BATCH);
  return new Set(list.map((digest) => digest.string()));
}
