import { nodeVerifier } from "../node/verifier.ts";
import { equalBytes } from "../shared/bytes.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import { BUNDLED_ROOTS } from "../shared/feed/bundle.ts";
import { rootPath } from "../shared/feed/paths.ts";
import { MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS } from "../shared/limits.ts";
import { IGNORE_EXPIRY_UNSAFE } from "../shared/tuf/expiry.ts";
import { decodeRoot, parseEnvelope, type Root } from "../shared/tuf/schema.ts";
import { TrustedSet } from "../shared/tuf/trusted_set.ts";
import type { MirrorDir } from "./mirror_dir.ts";

const FIRST_ROOT = "root.json";

/**
 * The chain of roots that a mirror trusts. It begins with the one that the administrator gave; each signs the
 * next.
 */
export class MirrorTrust {
  readonly #set: TrustedSet;
  readonly #first: number;
  readonly #files: Uint8Array[];

  private constructor(set: TrustedSet, first: Uint8Array) {
    this.#set = set;
    this.#first = set.root.version;
    this.#files = [first];
  }

  static async from(first: Uint8Array): Promise<MirrorTrust> {
    // A chain is followed whatever has expired in it; the code that relies on the last root checks that.
    return new MirrorTrust(await TrustedSet.fromRoot(first, nodeVerifier, IGNORE_EXPIRY_UNSAFE), first);
  }

  get version(): number {
    return this.#set.root.version;
  }

  get root() {
    return this.#set.root;
  }

  /** The version of the root at which the chain begins. */
  get first(): number {
    return this.#first;
  }

  /** The bytes of the newest root. */
  get newest(): Uint8Array {
    return this.file(this.version) ?? new Uint8Array();
  }

  file(version: number): Uint8Array | undefined {
    return this.#files[version - this.#first];
  }

  /** All roots of the chain, decoded. */
  get chain(): readonly Root[] {
    return this.#files.map((bytes) => decodeRoot(parseEnvelope(bytes, "root").signed));
  }

  /** The newest roots from version 2 on, oldest first, as a feed.json holds them. */
  get bundled(): readonly Uint8Array[] {
    const from = Math.max(2, this.#first, this.version - BUNDLED_ROOTS + 1);
    return this.#files.slice(from - this.#first);
  }

  /**
   * Adds roots for as long as there is a next one. Returns their versions.
   *
   * @throws RebootlessError `trust` for a root that does not follow the one before.
   */
  async follow(next: (version: number) => Promise<Uint8Array | undefined>): Promise<readonly number[]> {
    const taken: number[] = [];
    while (taken.length < MAX_ROOT_ROTATIONS) {
      const bytes = await next(this.version + 1);
      if (!bytes) break;
      await this.#set.updateRoot(bytes);
      this.#files.push(bytes);
      taken.push(this.version);
    }
    return taken;
  }
}

/**
 * Opens a mirror's trust from its own files.
 *
 * @throws RebootlessError `trust` if the first root does not verify, `config` if it is missing.
 */
export async function openTrust(dir: MirrorDir): Promise<MirrorTrust> {
  const first = await dir.readOwn(FIRST_ROOT, MAX_ROOT_BYTES);
  if (!first) {
    throw new RebootlessError("config", `${dir.path} has no root of trust`, {
      hint: "Give it as --root root.json. Get it from the publisher in a way you trust.",
    });
  }
  const trust = await MirrorTrust.from(first);
  // If a stored root is damaged, the chain ends before it, and is followed again from the feed.
  await trust.follow((version) => dir.read(rootPath(version), MAX_ROOT_BYTES)).catch(() => undefined);
  return trust;
}

/**
 * Opens the trust of a backup, which is given a root in every run. The trust begins with the first root that
 * the folder was given if that leads to this one, and with this one otherwise.
 *
 * @throws RebootlessError `trust` if the root does not verify, or if one that the feed has does not follow.
 */
export async function openBackupTrust(
  dir: MirrorDir,
  root: Uint8Array,
  next: (version: number) => Promise<Uint8Array | undefined>,
): Promise<MirrorTrust> {
  const { version } = decodeRoot(parseEnvelope(root, "root").signed);
  const earlier = await openTrust(dir)
    .then(async (trust) => {
      await trust.follow(next);
      return trust;
    })
    .catch(unlessIo);
  const known = earlier?.file(version);
  if (earlier && known && equalBytes(known, root)) return earlier;
  const trust = await MirrorTrust.from(root);
  await dir.writeOwn(FIRST_ROOT, root);
  await trust.follow((number) => dir.read(rootPath(number), MAX_ROOT_BYTES)).catch(() => undefined);
  await trust.follow(next);
  return trust;
}

function unlessIo(error: unknown): undefined {
  if (!["trust", "parse", "config", "rollback"].some((code) => isCode(error, code as "trust"))) throw error;
}

/**
 * Stores the root that the administrator gives.
 *
 * @throws RebootlessError `config` if the mirror has another one, `trust` for one that does not verify.
 */
export async function provision(dir: MirrorDir, root: Uint8Array): Promise<void> {
  const present = await dir.readOwn(FIRST_ROOT, MAX_ROOT_BYTES);
  if (present && equalBytes(present, root)) return;
  if (present) {
    throw new RebootlessError("config", `${dir.path} mirrors a feed under another root of trust`, {
      hint: "Use another folder for a mirror of another feed.",
    });
  }
  await MirrorTrust.from(root).catch((cause: unknown) => {
    throw new RebootlessError("trust", "this is not a root of trust that verifies", { cause });
  });
  await dir.writeOwn(FIRST_ROOT, root);
}
