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

/** The targets keys in a publisher's folder, by the root that names them: looked for once, opened where something is signed. */
export class TargetsKeys {
  readonly #folder: PublisherFolder;
  /** By the root's version. */
  readonly #files = new Map<number, Promise<readonly LocalKey[]>>();
  readonly #open = new Map<number, Promise<readonly KeySigner[]>>();

  constructor(folder: PublisherFolder) {
    this.#folder = folder;
  }

  /** Opens none. Throws `config` where too few lie here to sign. */
  async require(root: Root): Promise<void> {
    requireEnough(this.#folder, root, "targets", await this.#filesOf(root));
  }

  /** Throws `config`. */
  open(root: Root): Promise<readonly KeySigner[]> {
    const known = this.#open.get(root.version) ?? this.#opened(root);
    this.#open.set(root.version, known);
    return known;
  }

  /**
   * Whether signing again would add nothing: what is in force holds by signatures of these keys alone, so that hosts go on
   * taking it whoever else's key is taken out of the root; or there are too few keys here to say so.
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
