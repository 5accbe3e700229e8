import { sha256Of } from "../node/crypto.ts";
import { nodeVerifier } from "../node/verifier.ts";
import { type BuildId, isBuildId, isSha256Hex, type Sha256Hex } from "../shared/brand.ts";
import { equalBytes } from "../shared/bytes.ts";
import { counted } from "../shared/counted.ts";
import { isCode } from "../shared/errors.ts";
import { artifactsIn } from "../shared/feed/artifacts.ts";
import { encodeBundle } from "../shared/feed/bundle.ts";
import { encodeIndex, INDEX_PATH, type Index } from "../shared/feed/kernel_index.ts";
import {
  artifactPath,
  feedPath,
  kernelPath,
  metadataPath,
  rootPath,
  targetsPath,
} from "../shared/feed/paths.ts";
import { MAX_ARTIFACT_BYTES, MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../shared/limits.ts";
import type { Instant } from "../shared/time.ts";
import { IGNORE_EXPIRY_UNSAFE } from "../shared/tuf/expiry.ts";
import { type Envelope, parseEnvelope, statedRootVersion, type TopRole } from "../shared/tuf/schema.ts";
import { roleOf } from "../shared/tuf/trusted_set.ts";
import { verifyThreshold } from "../shared/tuf/verify.ts";
import { FOLDERS, type MirrorDir } from "./mirror_dir.ts";
import { type MirrorTrust, openTrust } from "./mirror_trust.ts";
import { readSiteTimestamps } from "./site_timestamps.ts";
import {
  filesOfKernel,
  hasExpired,
  indexLineOf,
  type VerifiedKernel,
  verifyMirrored,
} from "./verified_kernel.ts";

/** A wrong file of a mirror. */
export interface FileFault {
  readonly path: string;
  readonly problem: "damaged" | "missing" | "foreign";
  readonly why: string;
  /** The kernel that has to be fetched again; null for a file that is of no use as it is. */
  readonly kernel: BuildId | null;
  readonly artifact?: Sha256Hex;
}

export interface VerifiedMirror {
  readonly faults: readonly FileFault[];
  /** The kernels that verify, but whose metadata has expired by now. */
  readonly expired: readonly BuildId[];
  readonly kernels: number;
  readonly files: number;
}

/**
 * Verifies every file of a mirror against the mirror's own root of trust. It makes no request. Old files are
 * verified too: by the digest in their names, or by signatures under some root of the chain.
 */
export async function verifyMirror(
  dir: MirrorDir,
  now: Instant,
  progress: (line: string) => void,
): Promise<VerifiedMirror> {
  const trust = await openTrust(dir);
  const names = (await dir.files.names("kernels")).filter((name) => `kernels/${name}` !== INDEX_PATH);
  await followBundled(dir, trust, names);
  const checking = new MirrorVerification(dir, trust, now);
  await checking.roots();
  for (const [i, name] of names.entries()) {
    await checking.kernel(name);
    if (i % 1000 === 999) progress(`${i + 1} of ${counted(names.length, "kernel")} looked at`);
  }
  await checking.artifacts();
  await checking.index();
  await checking.strangers();
  const { faults, expired, files, lines } = checking;
  return { faults, expired, kernels: lines.size, files };
}

/** Follows the roots that a feed.json holds, for a mirror whose own file of a root is damaged. */
async function followBundled(dir: MirrorDir, trust: MirrorTrust, names: readonly string[]): Promise<void> {
  const some = names.find(isBuildId);
  const bundle = some === undefined ? undefined : await dir.bundle(some);
  const newest = bundle?.roots ?? [];
  const byVersion = new Map(newest.map((bytes) => [versionOf(bytes), bytes]));
  await trust.follow(async (version) => byVersion.get(version)).catch(() => []);
}

function versionOf(root: Uint8Array): number | undefined {
  try {
    return statedRootVersion(root);
  } catch {
    return undefined; // The feed is damaged too, which is found later.
  }
}

const OTHER_DIGEST = "its digest is not the one in its name";

class MirrorVerification {
  readonly faults: FileFault[] = [];
  readonly expired: BuildId[] = [];
  readonly lines: Index = new Map();
  files = 0;
  readonly #dir: MirrorDir;
  readonly #trust: MirrorTrust;
  readonly #now: Instant;
  /** The artifacts that manifests in force name, each with one kernel that needs it. */
  readonly #named = new Map<Sha256Hex, BuildId>();

  constructor(dir: MirrorDir, trust: MirrorTrust, now: Instant) {
    this.#dir = dir;
    this.#trust = trust;
    this.#now = now;
  }

  async roots(): Promise<void> {
    const { version, first } = this.#trust;
    for (const name of await this.#dir.files.names("root")) {
      const number = Number(/^([1-9]\d{0,8})\.root\.json$/.exec(name)?.[1]);
      const path = `root/${name}`;
      if (Number.isNaN(number)) this.#fault(path, "foreign", null, "not the name of a root");
      else if (number > version || number < first)
        this.#fault(path, "damaged", null, "it does not follow the chain of roots");
      else await this.#same(path, this.#trust.file(number), null, MAX_ROOT_BYTES);
    }
    for (let number = first; number <= version; number++) {
      const present = await this.#dir.read(rootPath(number), MAX_ROOT_BYTES);
      if (!present) this.#fault(rootPath(number), "missing", null, "the chain of roots has a gap");
    }
  }

  async kernel(id: string): Promise<void> {
    const folder = `kernels/${id}`;
    if (!isBuildId(id)) return this.#fault(folder, "foreign", null, "not a build ID");
    if (await this.#dir.foreignFolder([folder])) return this.#fault(folder, "foreign", null, "not a folder");
    const verified = await this.#verified(id);
    if (!verified) return;
    const feed = encodeBundle(verified.bundle);
    const expected = new Map(filesOfKernel(verified, feed, this.#trust).map((file) => [file.path, file]));
    const present = await filesBelow(this.#dir, id);
    for (const [path, file] of expected) {
      if (!present.has(path)) this.#fault(path, "missing", id, "a mirror has this file for every kernel");
      else
        await this.#same(
          path,
          "bytes" in file ? file.bytes : await this.#root(file.same),
          id,
          MAX_BUNDLE_BYTES,
        );
    }
    for (const path of present) if (!expected.has(path)) await this.#old(path, id);
    for (const { sha256 } of artifactsIn(verified.manifest)) this.#named.set(sha256, id);
    this.lines.set(id, indexLineOf(verified, feed));
  }

  async #verified(id: BuildId): Promise<VerifiedKernel | undefined> {
    const path = feedPath(id);
    const bundle = await this.#dir.bundle(id);
    if (!bundle) {
      const present = await this.#dir.read(path, MAX_BUNDLE_BYTES);
      if (!present) return void this.#fault(path, "missing", id, "there is no feed.json");
      return void this.#fault(path, "damaged", id, "it is not a feed.json");
    }
    try {
      const verified = await verifyMirrored(id, bundle, undefined, this.#trust, IGNORE_EXPIRY_UNSAFE);
      if (hasExpired(verified.trusted, this.#now)) this.expired.push(id);
      return verified;
    } catch (error) {
      if (!(error instanceof Error) || isCode(error, "io")) throw error;
      return void this.#fault(path, "damaged", id, error.message);
    }
  }

  /** Verifies a file that was in force once. */
  async #old(path: string, id: BuildId): Promise<void> {
    this.files++;
    const name = path.slice(path.lastIndexOf("/") + 1);
    const bytes = (await this.#dir.read(path, MAX_BUNDLE_BYTES)) ?? new Uint8Array();
    const [, digest] = /^([0-9a-f]{64})\.[0-9a-f]+\.json$/.exec(name) ?? [];
    if (digest !== undefined && path.startsWith(`${kernelPath(id)}/targets/kernels/`)) {
      if (sha256Of(bytes) !== digest) this.#fault(path, "damaged", null, OTHER_DIGEST);
      return;
    }
    const [, role] = /^[1-9]\d{0,8}\.(snapshot|targets)\.json$/.exec(name) ?? [];
    if (role === undefined || !path.startsWith(`${kernelPath(id)}/metadata/`)) {
      return this.#fault(path, "foreign", null, "not a file of a feed");
    }
    if (!(await this.#wasSigned(bytes, role as TopRole)))
      this.#fault(path, "damaged", null, "no key of the root of trust signed it");
  }

  async #wasSigned(bytes: Uint8Array, role: TopRole): Promise<boolean> {
    const envelope = envelopeOf(bytes, role);
    if (!envelope) return false;
    for (const root of this.#trust.chain) {
      try {
        await verifyThreshold(envelope, roleOf(root, role), root.keys, nodeVerifier.verify, role);
        return true;
      } catch (error) {
        if (!isCode(error, "trust")) throw error;
      }
    }
    return false;
  }

  async artifacts(): Promise<void> {
    for (const name of await this.#dir.files.names("artifacts")) {
      const path = `artifacts/${name}`;
      this.files++;
      const bytes = await this.#dir.read(path, MAX_ARTIFACT_BYTES);
      const sha256 = bytes && sha256Of(bytes);
      if (!isSha256Hex(name)) {
        this.#fault(path, "foreign", null, "its name is not a digest");
        continue;
      }
      const kernel = this.#named.get(name) ?? null;
      this.#named.delete(name);
      if (sha256 !== name)
        this.faults.push({ path, problem: "damaged", kernel, artifact: name, why: OTHER_DIGEST });
    }
    for (const [artifact, kernel] of this.#named) {
      const path = artifactPath(artifact);
      this.faults.push({ path, problem: "missing", kernel, artifact, why: "a manifest in force names it" });
    }
  }

  /** Compares the index with the kernels. About damaged kernels it may say more than they do. */
  async index(): Promise<void> {
    const present = await this.#dir.index();
    this.files++;
    if (!present) return this.#fault(INDEX_PATH, "damaged", null, "it is missing, or is not an index");
    const broken = new Set(this.faults.map(({ kernel }) => kernel));
    const known = new Map([...present].filter(([id]) => !broken.has(id)));
    const seen = new Map([...this.lines].filter(([id]) => !broken.has(id)));
    // If the site signed a timestamp, the index still has the version of the feed's own.
    for (const id of (await readSiteTimestamps(this.#dir)).keys()) {
      const [line, own] = [seen.get(id), known.get(id)];
      if (line && own) seen.set(id, { ...line, timestamp: own.timestamp });
    }
    if (!equalBytes(encodeIndex(known), encodeIndex(seen))) {
      this.#fault(INDEX_PATH, "damaged", null, "it does not match the kernels that are here");
    }
  }

  async strangers(): Promise<void> {
    for (const name of await this.#dir.files.names("")) {
      if (!FOLDERS.includes(name)) this.#fault(name, "foreign", null, "not a file of a mirror");
    }
  }

  async #same(
    path: string,
    expected: Uint8Array | undefined,
    kernel: BuildId | null,
    maxBytes: number,
  ): Promise<void> {
    this.files++;
    const bytes = await this.#dir.read(path, maxBytes);
    if (bytes && expected && equalBytes(bytes, expected)) return;
    this.#fault(path, "damaged", kernel, "it is not the file that was signed for");
  }

  async #root(path: string): Promise<Uint8Array | undefined> {
    return this.#trust.file(Number.parseInt(path.slice("root/".length), 10));
  }

  #fault(path: string, problem: FileFault["problem"], kernel: BuildId | null, why: string): void {
    this.faults.push({ path, problem, kernel, why });
  }
}

/** Returns the files in a kernel's folders, and everything else in them that does not belong there. */
async function filesBelow(dir: MirrorDir, id: BuildId): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  const folders = [metadataPath(id), targetsPath(id), `${targetsPath(id)}/kernels`];
  for (const folder of [kernelPath(id), ...folders]) {
    if (await dir.foreignFolder([folder])) continue; // it was found in the folder above
    for (const name of await dir.files.names(folder)) {
      const path = `${folder}/${name}`;
      if (!folders.includes(path) || (await dir.foreignFolder([path]))) paths.add(path);
    }
  }
  return paths;
}

function envelopeOf(bytes: Uint8Array, role: TopRole): Envelope | undefined {
  try {
    return parseEnvelope(bytes, role);
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}
