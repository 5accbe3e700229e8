import { type Sha256Hex, sha256Hex } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { encodeQuestion, MAX_BATCH, STAGING_PATH } from "../../shared/feed/batch.ts";
import { stagingPath } from "../../shared/feed/publication.ts";
import { parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { inParallel } from "../../shared/parallel.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";

/** The artifacts that a publisher has on disk, by digest. Each is read only when it is sent. */
export type LocalArtifacts = ReadonlyMap<Sha256Hex, () => Promise<Uint8Array>>;

/** The number of artifacts sent at the same time. Each is held in memory. */
const UPLOADS = 3;

/**
 * A sender of artifacts. It sends each artifact that the edge lacks, once, before the publications that name
 * it. Artifacts that the edge has are not sent.
 */
export class ArtifactSender {
  readonly #edge: EdgeClient;
  readonly #artifacts: LocalArtifacts;
  readonly #settled = new Map<Sha256Hex, Promise<unknown>>();
  #files = 0;
  #bytes = 0;

  constructor(edge: EdgeClient, artifacts: LocalArtifacts) {
    this.#edge = edge;
    this.#artifacts = artifacts;
  }

  /** The number of files and bytes sent so far. */
  get sent(): { readonly files: number; readonly bytes: number } {
    return { files: this.#files, bytes: this.#bytes };
  }

  has(sha256: Sha256Hex): boolean {
    return this.#artifacts.has(sha256);
  }

  /**
   * Sends those of the named artifacts that the edge lacks. Artifacts that the publisher does not have are
   * skipped, because the edge may have them.
   *
   * @throws RebootlessError `refused`, `unreachable`.
   */
  async provide(named: readonly Sha256Hex[]): Promise<void> {
    const own = [...new Set(named)].filter((sha256) => this.has(sha256));
    const fresh = own.filter((sha256) => !this.#settled.has(sha256));
    for (let at = 0; at < fresh.length; at += MAX_BATCH) {
      const part = fresh.slice(at, at + MAX_BATCH);
      const sending = this.#sendMissing(part);
      for (const sha256 of part) this.#settled.set(sha256, sending);
    }
    await Promise.all(own.map((sha256) => this.#settled.get(sha256)));
  }

  /**
   * Forgets which artifacts the edge has, so that it is asked again. This is needed after a request that got
   * no answer.
   */
  forget(): void {
    this.#settled.clear();
  }

  async #sendMissing(digests: readonly Sha256Hex[]): Promise<void> {
    const body = encodeQuestion("sha256", digests);
    const answer = await this.#edge.send({ method: "POST", path: `/${STAGING_PATH}`, body });
    if (answer.status !== 200) throw refusedByEdge(answer, "to say which modules it has");
    const missing = new Decoder(parseJson(answer.body, "answer", MAX_SMALL_VALUES), "answer").get("missing");
    const absent = missing.array(MAX_BATCH).map((item) => item.as(sha256Hex));
    await inParallel(absent, UPLOADS, (sha256) => this.#upload(sha256));
  }

  async #upload(sha256: Sha256Hex): Promise<void> {
    const body = await this.#artifacts.get(sha256)?.();
    if (!body) return;
    const answer = await this.#edge.send({ method: "PUT", path: `/${stagingPath(sha256)}`, body });
    if (answer.status !== 201 && answer.status !== 200) throw refusedByEdge(answer, "a module");
    this.#files++;
    this.#bytes += body.length;
  }
}
