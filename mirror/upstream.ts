import { fileURLToPath } from "node:url";
import { sha256Of } from "../node/crypto.ts";
import { ClosedFolder } from "../node/folder/closed_folder.ts";
import { type Feed, type Fetched, type FetchLimits, isTooLong } from "../node/transport/feed.ts";
import { type BuildId, isBuildId, type Sha256Hex } from "../shared/brand.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import { artifactsIn } from "../shared/feed/artifacts.ts";
import { type Bundle, decodeBundle, encodeBundle } from "../shared/feed/bundle.ts";
import { decodeIndex, INDEX_PATH, MAX_INDEX_BYTES } from "../shared/feed/kernel_index.ts";
import { walkList } from "../shared/feed/list_walk.ts";
import {
  changesPath,
  decodeListing,
  decodeRenewals,
  type Listed,
  MAX_LISTING_BYTES,
  MAX_RENEWALS_BYTES,
  type Renewal,
  renewalsPath,
} from "../shared/feed/listing.ts";
import { decodeManifest } from "../shared/feed/manifest.ts";
import {
  artifactPath,
  consistentTarget,
  feedPath,
  metadataPath,
  rootPath,
  targetsPath,
} from "../shared/feed/paths.ts";
import type { Artifact } from "../shared/feed/update.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES, MAX_TARGETS_BYTES } from "../shared/limits.ts";

/** A kernel that the feed lists and that may have to be fetched. */
export interface Candidate extends Listed {
  /** The digest of its feed.json, if the list has it: then the list shows renewals too. */
  readonly sha256?: Sha256Hex;
}

export interface Candidates {
  readonly kernels: readonly Candidate[];
  /** The cursor for the next time; undefined if the list is always whole, or was broken off. */
  readonly next: string | undefined;
  /** The reason why the list was broken off. It may name fewer kernels than the feed has. */
  readonly broken?: string | undefined;
}

/** The number of kernels that are looked at to estimate the size of all of them. */
const SAMPLE = 5;

/**
 * The feed that a mirror copies: the edge, another mirror, any web server or a folder. None of them is
 * trusted.
 */
export class Upstream {
  readonly feed: Feed;

  constructor(feed: Feed) {
    this.feed = feed;
  }

  /**
   * Returns the changes since a cursor, as far as the feed tells, or undefined if it has no list of any kind.
   */
  async list(since: string | undefined): Promise<Candidates | undefined> {
    return (await this.#changes(since)) ?? (await this.#index()) ?? (await this.#folder());
  }

  /**
   * Estimates the bytes of these kernels with their artifacts from some of them. Returns undefined if none of
   * them can be read.
   */
  async weight(kernels: readonly Listed[]): Promise<number | undefined> {
    const sizes: number[] = [];
    const step = Math.max(1, Math.floor(kernels.length / SAMPLE));
    for (let at = 0; at < kernels.length && sizes.length < SAMPLE; at += step) {
      const id = kernels[at]?.buildId;
      const bundle = id && (await this.bundle(id).catch(() => undefined));
      if (typeof bundle === "object") sizes.push(weightOf(bundle));
    }
    const total = sizes.reduce((sum, size) => sum + size, 0);
    return sizes.length === 0 ? undefined : Math.round((total / sizes.length) * kernels.length);
  }

  /**
   * Fetches a kernel's feed.json. Returns undefined if the feed has nothing for this kernel, and `same` if
   * its feed.json has this digest.
   */
  async bundle(id: BuildId, known?: Sha256Hex): Promise<Bundle | "same" | undefined> {
    const etag = known === undefined ? undefined : `"${known}"`;
    const fetched = await this.#file(feedPath(id), { maxBytes: MAX_BUNDLE_BYTES, etag, download: true });
    if (fetched.status === "not_modified") return "same";
    return fetched.status === "ok" ? read(() => decodeBundle(fetched.bytes), feedPath(id)) : undefined;
  }

  /**
   * Fetches renewals. Returns undefined if the feed is only files: then each whole feed.json has to be
   * fetched.
   */
  async renewals(ids: readonly BuildId[]): Promise<readonly Renewal[] | undefined> {
    const fetched = await this.feed.get(renewalsPath(ids), { maxBytes: MAX_RENEWALS_BYTES });
    if (fetched.status !== "ok") return undefined;
    const asked = new Set(ids);
    const renewals = read(() => decodeRenewals(fetched.bytes), "kernels/timestamps");
    return renewals.filter(({ buildId: id }) => asked.delete(id));
  }

  /**
   * Fetches a root.
   * @param id a kernel below which the roots lie too. In a folder that was not made by a mirror they lie
   * nowhere else.
   */
  async root(version: number, id?: BuildId): Promise<Uint8Array | undefined> {
    const paths = [
      rootPath(version),
      ...(id && this.#path !== undefined ? [`${metadataPath(id)}/${version}.root.json`] : []),
    ];
    for (const path of paths) {
      const fetched = await this.feed.get(path, { maxBytes: MAX_ROOT_BYTES });
      if (fetched.status === "ok") return fetched.bytes;
    }
    return undefined;
  }

  /** Fetches an artifact. @throws RebootlessError `trust` if it is missing, or is another file. */
  artifact(artifact: Artifact): Promise<Uint8Array> {
    return this.#named(artifactPath(artifact.sha256), artifact);
  }

  /** Fetches the manifest of old targets. It throws as `artifact` does. */
  manifest(id: BuildId, file: Artifact): Promise<Uint8Array> {
    const path = `${targetsPath(id)}/${consistentTarget(id, file.sha256)}`;
    if (file.length <= MAX_MANIFEST_BYTES) return this.#named(path, file);
    throw new RebootlessError("trust", `${path} would have ${file.length} bytes`);
  }

  /** Fetches old targets of a kernel, unverified. Returns undefined if the feed no longer has them. */
  async targets(id: BuildId, version: number): Promise<Uint8Array | undefined> {
    const path = `${metadataPath(id)}/${version}.targets.json`;
    const fetched = await this.#file(path, { maxBytes: MAX_TARGETS_BYTES, download: true });
    return fetched.status === "ok" ? fetched.bytes : undefined;
  }

  async #named(path: string, { sha256, length }: Artifact): Promise<Uint8Array> {
    const fetched = await this.#file(path, { maxBytes: length, download: true });
    if (fetched.status !== "ok") throw new RebootlessError("trust", `${this.feed.url}${path} is missing`);
    if (fetched.bytes.length === length && sha256Of(fetched.bytes) === sha256) return fetched.bytes;
    throw new RebootlessError("trust", `${this.feed.url}${path} is not the file that was signed for`);
  }

  /**
   * Fetches a file of one kernel. An answer that is too long is a fault of that kernel, and does not end the
   * run.
   */
  #file(path: string, limits: FetchLimits): Promise<Fetched> {
    return this.feed.get(path, limits).catch((error: unknown) => {
      if (isTooLong(error)) throw new RebootlessError("trust", error.message, { cause: error });
      throw error;
    });
  }

  async #changes(since: string | undefined): Promise<Candidates | undefined> {
    if (this.#path !== undefined) return undefined;
    let isThere = true;
    const page = async (cursor: string | undefined) => {
      const fetched = await this.feed.get(changesPath(cursor), { maxBytes: MAX_LISTING_BYTES });
      if (fetched.status !== "ok") {
        isThere = cursor !== since;
        return undefined;
      }
      const listing = read(() => decodeListing(fetched.bytes), "kernels/changes");
      return { listing, bytes: fetched.bytes.length };
    };
    const walked = await walkList(page, since, () => performance.now());
    return isThere ? walked : undefined;
  }

  async #index(): Promise<Candidates | undefined> {
    const fetched = await this.feed.get(INDEX_PATH, { maxBytes: MAX_INDEX_BYTES, download: true });
    if (fetched.status !== "ok") return undefined;
    return { kernels: [...read(() => decodeIndex(fetched.bytes), INDEX_PATH).values()], next: undefined };
  }

  /** Looks through a folder, because one that was not made by a mirror has no list. */
  async #folder(): Promise<Candidates | undefined> {
    if (this.#path === undefined) return undefined;
    const kernels: Candidate[] = [];
    for (const id of (await new ClosedFolder(this.#path).names("kernels")).filter(isBuildId)) {
      const candidate = await this.#candidate(id).catch(() => undefined);
      if (candidate) kernels.push(candidate);
    }
    return { kernels, next: undefined };
  }

  async #candidate(id: BuildId): Promise<Candidate | undefined> {
    const bundle = await this.bundle(id);
    return typeof bundle === "object" ? candidateOf(bundle) : undefined;
  }

  get #path(): string | undefined {
    return this.feed.url.startsWith("file:") ? fileURLToPath(this.feed.url) : undefined;
  }
}

function weightOf(bundle: Bundle): number {
  try {
    const artifacts = artifactsIn(decodeManifest(bundle.manifest));
    return artifacts.reduce((sum, { length }) => sum + length, encodeBundle(bundle).length);
  } catch (error) {
    if (isCode(error, "parse")) return 0;
    throw error;
  }
}

async function candidateOf(bundle: Bundle): Promise<Candidate> {
  const { kernel } = decodeManifest(bundle.manifest);
  return {
    buildId: bundle.buildId,
    release: kernel.release,
    distribution: kernel.distribution ?? null,
    version: 1,
    sha256: sha256Of(encodeBundle(bundle)),
  };
}

/**
 * Decodes an answer.
 * @throws RebootlessError `trust` for bytes that do not parse: they were damaged or replaced on their way.
 */
function read<T>(decode: () => T, what: string): T {
  try {
    return decode();
  } catch (cause) {
    if (!isCode(cause, "parse")) throw cause;
    throw new RebootlessError("trust", `${what}: the feed sent something of another format`, { cause });
  }
}
