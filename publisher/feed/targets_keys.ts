import { parseEnvelope, type Root } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import type { KeySigner } from "../keys/sign.ts";
import type { Current } from "./current.ts";
import {
  type LocalKey,
  localKeys,
  openKeys,
  type PublisherFolder,
  requireEnough,
} from "./publisher_folder.ts";
import { quorum } from "./signatures.ts";

/**
 * The targets keys in a publisher's folder, for each root that names them. They are searched for once, and
 * opened only when something is signed.
 */
export class TargetsKeys {
  readonly #folder: PublisherFolder;
  /** The key files, by the root's version. */
  readonly #files = new Map<number, Promise<readonly LocalKey[]>>();
  readonly #open = new Map<number, Promise<readonly KeySigner[]>>();

  constructor(folder: PublisherFolder) {
    this.#folder = folder;
  }

  /**
   * Checks that the folder has enough targets keys to sign, without opening any.
   *
   * @throws RebootlessError `config` if there are too few.
   */
  async require(root: Root): Promise<void> {
    requireEnough(this.#folder, root, "targets", await this.#filesOf(root));
  }

  /** Opens the targets keys that a root names. @throws RebootlessError `config`. */
  open(root: Root): Promise<readonly KeySigner[]> {
    const known = this.#open.get(root.version) ?? this.#opened(root);
    this.#open.set(root.version, known);
    return known;
  }

  /**
   * Returns true if signing again would add nothing. That is so if these keys' signatures alone meet the
   * threshold of the targets in force, which hosts then accept whatever other keys leave the root. It is also
   * so if the folder has too few keys to tell.
   */
  async haveSigned({ files, root }: Current): Promise<boolean> {
    if (!files || !root) return false;
    const own = new Set((await this.#filesOf(root)).map(({ id }) => id));
    const { threshold } = roleOf(root, "targets");
    if (own.size < threshold) return true;
    const { signed } = await quorum("targets", parseEnvelope(files.targets, "targets"), root, "targets");
    return signed.filter((id) => own.has(id)).length >= threshold;
  }

  async #opened(root: Root): Promise<readonly KeySigner[]> {
    await this.require(root);
    return openKeys(this.#folder, await this.#filesOf(root));
  }

  #filesOf(root: Root): Promise<readonly LocalKey[]> {
    const known = this.#files.get(root.version) ?? localKeys(this.#folder, root, "targets");
    this.#files.set(root.version, known);
    return known;
  }
}
