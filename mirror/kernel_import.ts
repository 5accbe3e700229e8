import { sha256Of } from "../node/crypto.ts";
import type { Freshness } from "../node/transport/freshness.ts";
import { type BuildId, type Sha256Hex, sha256Hex } from "../shared/brand.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import { artifactsIn } from "../shared/feed/artifacts.ts";
import { type Bundle, encodeBundle } from "../shared/feed/bundle.ts";
import type { Index, IndexLine } from "../shared/feed/kernel_index.ts";
import type { Renewal } from "../shared/feed/listing.ts";
import type { KernelManifest } from "../shared/feed/manifest.ts";
import {
  artifactPath,
  consistentTarget,
  kernelPath,
  manifestTarget,
  metadataPath,
  targetsPath,
} from "../shared/feed/paths.ts";
import type { Artifact } from "../shared/feed/update.ts";
import { decodeSnapshot, decodeTargets, parseEnvelope, type Targets } from "../shared/tuf/schema.ts";
import type { Batch } from "./batch.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import type { MirrorTrust } from "./mirror_trust.ts";
import type { Upstream } from "./upstream.ts";
import {
  filesOfKernel,
  indexLineOf,
  type MirrorFile,
  type VerifiedKernel,
  verifyFetched,
} from "./verified_kernel.ts";

/** A kernel that was not imported, and the reason. Its old state is unchanged. */
export interface KernelFault {
  readonly buildId: BuildId;
  readonly error: RebootlessError;
}

/**
 * Imports kernels into a mirror: they are verified, staged with their artifacts, and put in place together.
 */
export class KernelImport {
  readonly dir: MirrorDir;
  readonly upstream: Upstream;
  readonly trust: MirrorTrust;
  readonly index: Index;
  /** The time for expiry and what may have expired; undefined ignores expiry. */
  readonly freshness: Freshness | undefined;
  /**
   * True to fetch also targets and manifests that were in force before, and to leave a kernel as it is if the
   * feed has lost it, or if it is signed by keys that no longer count.
   */
  readonly keepOld: boolean;
  /** The kernels whose timestamps this site signs itself. */
  readonly site: ReadonlyMap<BuildId, number>;
  /** Kernels and artifacts whose files are fetched again although they are here. */
  readonly damaged: { readonly kernels: Set<string>; readonly artifacts: Set<string> };
  readonly taken: BuildId[] = [];
  readonly renewed: BuildId[] = [];
  /** Kernels for which the feed has nothing. */
  readonly notCovered: BuildId[] = [];
  readonly faults: KernelFault[] = [];
  /** The artifacts that were fetched, and their bytes. */
  readonly artifacts = { count: 0, bytes: 0 };
  /** The number of kernels for which something was fetched, and the bytes of all of it. */
  readonly fetched = { kernels: 0, bytes: 0 };
  readonly #batch: Batch;
  readonly #onTaken: ((before: Bundle | undefined, after: KernelManifest) => void) | undefined;
  readonly #lines: IndexLine[] = [];
  /** Artifacts by digest, because two kernels may need the same one at the same time. */
  readonly #fetching = new Map<Sha256Hex, Promise<number>>();

  constructor(
    parts: Pick<
      KernelImport,
      "dir" | "upstream" | "trust" | "index" | "freshness" | "damaged" | "site" | "keepOld"
    >,
    batch: Batch,
    onTaken?: (before: Bundle | undefined, after: KernelManifest) => void,
  ) {
    this.#onTaken = onTaken;
    this.dir = parts.dir;
    this.upstream = parts.upstream;
    this.trust = parts.trust;
    this.index = parts.index;
    this.freshness = parts.freshness;
    this.damaged = parts.damaged;
    this.site = parts.site;
    this.keepOld = parts.keepOld;
    this.#batch = batch;
  }

  /** Fetches the newest state of a kernel, if the feed has another one than the mirror. */
  async fetch(id: BuildId): Promise<void> {
    await this.#attempt(id, async () => {
      const here = await this.#here(id);
      const known = here && sha256Of(encodeBundle(here));
      const came = await this.upstream.bundle(id, known);
      if (came === undefined) this.notCovered.push(id);
      const isNew = typeof came === "object";
      const bundle = isNew ? came : came === "same" || this.keepOld ? here : undefined;
      if (!bundle) return;
      const verified = await this.#verified(bundle, here, isNew);
      if (!verified) return;
      const feed = encodeBundle(verified.bundle);
      let bytes = isNew ? feed.length : 0;
      // Artifacts are fetched one by one: kernels are fetched in parallel, and an artifact may have 32 MB.
      for (const artifact of artifactsIn(verified.manifest)) bytes += await this.#have(artifact);
      if (isNew && this.keepOld) bytes += await this.#fetchOld(verified, here);
      if (bytes > 0) this.fetched.kernels++;
      this.fetched.bytes += bytes;
      await this.#stage(verified, feed, known);
      this.taken.push(id);
      this.#onTaken?.(here, verified.manifest);
    });
  }

  /** Returns undefined for a kernel that is kept as it is although it does not verify any more. */
  async #verified(
    bundle: Bundle,
    here: Bundle | undefined,
    isNew: boolean,
  ): Promise<VerifiedKernel | undefined> {
    try {
      return await verifyFetched(bundle.buildId, bundle, this.#previous(here), this.trust, this.freshness);
    } catch (error) {
      if (this.keepOld && !isNew && isCode(error, "trust")) return undefined;
      throw error;
    }
  }

  /** Imports new signatures over the same targets. Returns `stale` if the feed has other targets by now. */
  async renew({ buildId: id, timestamp, snapshot }: Renewal): Promise<"done" | "stale"> {
    const here = await this.#here(id);
    if (!here || targetsVersion(snapshot) !== this.index.get(id)?.version) return "stale";
    await this.#attempt(id, async () => {
      const came = { ...here, timestamp, snapshot };
      const verified = await verifyFetched(id, came, this.#previous(here), this.trust, this.freshness);
      await this.#stage(verified, encodeBundle(verified.bundle));
      this.renewed.push(id);
    });
    return "done";
  }

  /** Puts everything that was staged in place, and enters it into the index. */
  async commit(): Promise<void> {
    await this.#batch.commit();
    for (const line of this.#lines.splice(0)) {
      this.index.set(line.buildId, line);
      this.damaged.kernels.delete(line.buildId);
    }
  }

  /** The index as it will be once everything that is staged is in place. */
  get outcome(): Index {
    return new Map([...this.index, ...this.#lines.map((line) => [line.buildId, line] as const)]);
  }

  /**
   * Returns the metadata whose versions must not go back. A timestamp that the site signed has version
   * numbers of its own and is left out: the snapshot's are compared.
   */
  #previous(here: Bundle | undefined): Partial<Bundle> | undefined {
    if (!here || !this.site.has(here.buildId)) return here;
    const { snapshot, targets } = here;
    return { snapshot, targets };
  }

  async #here(id: BuildId): Promise<Bundle | undefined> {
    return this.damaged.kernels.has(id) ? undefined : this.dir.bundle(id);
  }

  /**
   * Records a fault of one kernel, and goes on with the others. A feed that cannot be reached ends the run.
   */
  async #attempt(id: BuildId, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!["trust", "rollback", "expired", "limit"].some((code) => isCode(error, code as "trust")))
        throw error;
      this.faults.push({ buildId: id, error: error as RebootlessError });
    }
  }

  /**
   * Fetches an artifact that is not here. Returns the number of bytes fetched, which is 0 if another kernel
   * of this run fetches it.
   */
  async #have(artifact: Artifact): Promise<number> {
    const { sha256, length } = artifact;
    const others = this.#fetching.get(sha256);
    if (others) {
      await others;
      return 0;
    }
    const own = this.#fetchArtifact(sha256, length);
    this.#fetching.set(sha256, own);
    return own;
  }

  async #fetchArtifact(sha256: Sha256Hex, length: number): Promise<number> {
    const path = artifactPath(sha256);
    if (!this.damaged.artifacts.has(sha256) && (await this.dir.files.size(path)) === length) return 0;
    const bytes = await this.upstream.artifact({ sha256, length });
    await this.#batch.write(path, bytes);
    this.artifacts.count++;
    this.artifacts.bytes += bytes.length;
    return bytes.length;
  }

  /**
   * Fetches the files that were in force since the targets that are here. Returns the number of bytes
   * fetched.
   */
  async #fetchOld({ bundle, trusted }: VerifiedKernel, here: Bundle | undefined): Promise<number> {
    const id = bundle.buildId;
    const since = (here && targetsIn(here.targets)?.version) ?? 1;
    let bytes = 0;
    for (let version = since; version < trusted.targets.version; version++) {
      bytes += await this.#fetchOldTargets(id, version);
    }
    return bytes;
  }

  /**
   * Fetches targets that were in force once, and their manifest, unverified: nothing that is in force depends
   * on them. Returns the number of bytes fetched, which is 0 if they are here, or if the feed lacks them
   * because it was restored.
   */
  async #fetchOldTargets(id: BuildId, version: number): Promise<number> {
    const path = `${metadataPath(id)}/${version}.targets.json`;
    if ((await this.dir.files.size(path)) !== undefined) return 0;
    const targets = await this.upstream.targets(id, version);
    if (!targets) return 0;
    const target = targetsIn(targets)?.targets.get(manifestTarget(id));
    const digest = target?.hashes.get("sha256");
    let bytes = targets.length;
    if (target && digest !== undefined) {
      const manifest = await this.upstream.manifest(id, { sha256: sha256Hex(digest), length: target.length });
      await this.#batch.write(`${targetsPath(id)}/${consistentTarget(id, sha256Hex(digest))}`, manifest);
      bytes += manifest.length;
    }
    await this.#batch.write(path, targets);
    return bytes;
  }

  /**
   * Stages a kernel.
   * @param feed the bundle, encoded as feed.json.
   * @param known the digest of the feed.json that is here.
   */
  async #stage(verified: VerifiedKernel, feed: Uint8Array, known?: Sha256Hex): Promise<void> {
    const id = verified.bundle.buildId;
    await this.#requireFolders(id);
    const line = indexLineOf(verified, feed);
    const all = this.damaged.kernels.has(id) || !this.index.has(id);
    for (const file of filesOfKernel(verified, feed, this.trust)) {
      const moves = line.sha256 !== known && /\/(?:timestamp|feed)\.json$/.test(file.path);
      if (!all && !moves && (await this.#isThere(file))) continue;
      if ("bytes" in file) await this.#batch.write(file.path, file.bytes);
      else await this.#batch.link(file.path, file.same);
    }
    this.#lines.push(line);
  }

  /**
   * Refuses a kernel if a link lies in its folders, before anything of any kernel is put in place.
   *
   * @throws RebootlessError `trust`.
   */
  async #requireFolders(id: BuildId): Promise<void> {
    const foreign =
      (await this.dir.foreignFolder([kernelPath(id), metadataPath(id)])) ??
      (await this.dir.foreignFolder([targetsPath(id), `${targetsPath(id)}/kernels`]));
    if (foreign === undefined) return;
    throw new RebootlessError("trust", `${foreign} of the mirror is a link, or not a folder`, {
      hint: "Run `rebootless mirror verify`; the next sync then removes it.",
    });
  }

  /** Tells by its size whether a file is here already. `mirror verify` compares all of its bytes. */
  async #isThere(file: MirrorFile): Promise<boolean> {
    const size = await this.dir.files.size(file.path);
    if (size === undefined) return false;
    return size === ("bytes" in file ? file.bytes.length : await this.dir.files.size(file.same));
  }
}

/**
 * Reads the version of targets from an unverified snapshot, only to decide what to fetch. It is verified when
 * it is imported.
 */
function targetsVersion(snapshot: Uint8Array): number | undefined {
  try {
    return decodeSnapshot(parseEnvelope(snapshot, "snapshot").signed).meta.get("targets.json")?.version;
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}

/** Reads unverified targets, only to decide what to fetch. Returns undefined for anything else. */
function targetsIn(bytes: Uint8Array): Targets | undefined {
  try {
    return decodeTargets(parseEnvelope(bytes, "targets").signed);
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}
