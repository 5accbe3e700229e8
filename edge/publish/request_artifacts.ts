import type { Sha256Hex } from "../../shared/brand.ts";
import type { Digests } from "../../shared/crypto/digests.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Clock } from "../../shared/time.ts";
import { Mutex } from "../keyed_mutex.ts";
import { artifactKey } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import type { FoundArtifact } from "./accept.ts";
import { StagingArea } from "./staging_area.ts";

interface ArtifactsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly digests: Digests;
}

/** The artifacts that the publications of one request name. Each is looked up, promoted and dropped once. */
export class RequestArtifacts {
  readonly #store: Store;
  readonly #staging: StagingArea;
  readonly #digests: Digests;
  /** Bytes of staged artifacts are read one at a time: a Worker has 128 MB of memory. */
  readonly #reading = new Mutex();
  readonly #found = new Map<Sha256Hex, Promise<FoundArtifact | undefined>>();
  readonly #promoted = new Map<Sha256Hex, Promise<void>>();

  constructor({ store, clock, digests }: ArtifactsDeps) {
    this.#store = store;
    this.#digests = digests;
    this.#staging = new StagingArea(store, clock);
  }

  /** Finds an artifact. The bytes of one that is only staged are read and hashed now. */
  find(sha256: Sha256Hex): Promise<FoundArtifact | undefined> {
    return once(this.#found, sha256, () => this.#find(sha256));
  }

  /** Copies staged artifacts to where hosts find them, unless another kernel's publish did so meanwhile. */
  async promote(staged: readonly Sha256Hex[]): Promise<void> {
    for (const sha256 of staged) {
      await once(this.#promoted, sha256, () => this.#reading.run(() => this.#promote(sha256)));
    }
  }

  /**
   * Deletes the staged copies of promoted artifacts. It is called when a feed that names them is in force.
   */
  async drop(): Promise<void> {
    await Promise.all([...this.#promoted.keys()].map((sha256) => this.#staging.drop(sha256)));
  }

  async #find(sha256: Sha256Hex): Promise<FoundArtifact | undefined> {
    return (
      (await this.#known(sha256)) ??
      (await this.#reading.run(() => this.#staged(sha256))) ??
      // Another publish may have promoted it between the two look-ups.
      (await this.#known(sha256))
    );
  }

  async #known(sha256: Sha256Hex): Promise<FoundArtifact | undefined> {
    const known = await this.#store.head(artifactKey(sha256));
    return known && { in: "artifacts", sha256: known.sha256, length: known.length };
  }

  async #staged(sha256: Sha256Hex): Promise<FoundArtifact | undefined> {
    const staged = await this.#staging.get(sha256);
    if (!staged) return undefined;
    const bytes = await staged.bytes();
    return { in: "staging", sha256: await this.#digests.sha256(bytes), length: bytes.length };
  }

  async #promote(sha256: Sha256Hex): Promise<void> {
    const file = await this.#staging.get(sha256);
    if (file) return this.#copy(sha256, await file.bytes());
    if (!(await this.#store.head(artifactKey(sha256)))) {
      throw new RebootlessError("refused", `artifact ${sha256} is no longer staged: stage it again`);
    }
  }

  async #copy(sha256: Sha256Hex, bytes: Uint8Array): Promise<void> {
    if ((await this.#digests.sha256(bytes)) !== sha256) {
      throw new RebootlessError("refused", `artifact ${sha256} has other bytes: stage it again`);
    }
    await this.#store.create(artifactKey(sha256), bytes);
  }
}

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const made = known.get(key) ?? make();
  known.set(key, made);
  return made;
}
