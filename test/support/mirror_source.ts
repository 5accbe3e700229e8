import type { Batch } from "../../mirror/batch.ts";
import type { MirrorDir } from "../../mirror/mirror_dir.ts";
import { MirrorTrust, provision } from "../../mirror/mirror_trust.ts";
import { filesOfKernel, indexLineOf, verifyMirrored } from "../../mirror/verified_kernel.ts";
import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { encodeBundle } from "../../shared/feed/bundle.ts";
import { encodeIndex, INDEX_PATH, type Index } from "../../shared/feed/kernel_index.ts";
import { artifactPath, rootPath } from "../../shared/feed/paths.ts";
import { IGNORE_EXPIRY_UNSAFE } from "../../shared/tuf/expiry.ts";
import type { Repository } from "./edge/many_kernels.ts";

/** Small, as there are 20,000: a module costs every way of copying the same. */
const MODULE_BYTES = 2048;
const BATCH = 500;

/** A mirror's folder, filled by the one who has the keys. */
export class Source {
  readonly #dir: MirrorDir;
  readonly #repository: Repository;
  readonly #trust: MirrorTrust;
  readonly #index: Index = new Map();

  private constructor(dir: MirrorDir, repository: Repository, trust: MirrorTrust) {
    this.#dir = dir;
    this.#repository = repository;
    this.#trust = trust;
  }

  static async make(dir: MirrorDir, repository: Repository): Promise<Source> {
    await provision(dir, repository.root);
    const batch = await dir.batch();
    await batch.write(rootPath(1), repository.root);
    await batch.commit();
    return new Source(dir, repository, await MirrorTrust.from(repository.root));
  }

  async publish(ids: readonly BuildId[], version: number): Promise<void> {
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = await this.#dir.batch();
      for (const id of ids.slice(at, at + BATCH)) await this.#put(batch, id, version);
      await batch.commit();
    }
    const batch = await this.#dir.batch();
    await batch.write(INDEX_PATH, encodeIndex(this.#index));
    await batch.commit();
  }

  async #put(batch: Batch, id: BuildId, version: number): Promise<void> {
    const module = new Uint8Array(Buffer.alloc(MODULE_BYTES, `${id} ${version} `));
    const artifact = { sha256: sha256Of(module), length: module.length };
    const bundle = await this.#repository.bundle(id, version, 1, artifact);
    const verified = await verifyMirrored(id, bundle, undefined, this.#trust, IGNORE_EXPIRY_UNSAFE);
    const feed = encodeBundle(verified.bundle);
    await batch.write(artifactPath(artifact.sha256), module);
    for (const file of filesOfKernel(verified, feed, this.#trust)) {
      if ("bytes" in file) await batch.write(file.path, file.bytes);
      else await batch.link(file.path, file.same);
    }
    this.#index.set(id, indexLineOf(verified, feed));
  }
}
