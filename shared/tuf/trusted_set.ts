import { RebootlessError } from "../errors.ts";
import type { DelegatedRole } from "./delegations.ts";
import { type Expiry, refuseExpired } from "./expiry.ts";
import type { SignatureVerifier } from "./keys.ts";
import type { Keys, RoleKeys } from "./role_keys.ts";
import type { TopRole } from "./role_name.ts";
import {
  type Common,
  decodeRoot,
  decodeSnapshot,
  decodeTargets,
  decodeTimestamp,
  type Envelope,
  type FileMeta,
  parseEnvelope,
  type Root,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
} from "./schema.ts";
import type { Verifier } from "./verifier.ts";
import { verifyFile, verifyThreshold } from "./verify.ts";

export type Provenance = "fetched" | "cached";

/**
 * One delegation to follow. What is verified is this edge, not the role's name: others may delegate to the same name.
 */
export interface Edge {
  readonly delegator: Targets;
  readonly role: DelegatedRole;
}

/**
 * The client workflow of the TUF specification 1.0 (section 5) as a state machine over bytes: it makes no request, opens
 * no file and has no clock. Give it root, timestamp, snapshot, targets and the roles that targets delegates to, in this
 * order. Each call either takes the file into the trusted set, or throws and leaves the set as it was. Numbers cite the
 * specification.
 *
 * Files from a cache go through the same calls, as `cached`. One that has expired still sets the version below which
 * nothing is accepted: its expiry is checked when the next role relies on it.
 *
 * @throws RebootlessError `parse` (malformed), `trust` (signatures, hashes, wrong order of roles), `rollback`, `expired`.
 */
export class TrustedSet {
  readonly #verifier: Verifier;
  readonly #expiry: Expiry;
  #root: Root;
  #timestamp: Timestamp | undefined;
  #snapshot: Snapshot | undefined;
  #targets: Targets | undefined;
  /** Keyed by delegator, then by role name: what was verified for one edge says nothing of another. */
  readonly #delegated = new Map<Targets, Map<string, Targets>>();

  private constructor(root: Root, verifier: Verifier, expiry: Expiry) {
    this.#root = root;
    this.#verifier = verifier;
    this.#expiry = expiry;
  }

  /**
   * Starts from the provisioned or stored root (5.2). It must be signed by itself; whether it has expired does not
   * matter yet.
   */
  static async fromRoot(bytes: Uint8Array, verifier: Verifier, expiry: Expiry): Promise<TrustedSet> {
    return new TrustedSet(await selfSignedRoot(bytes, verifier), verifier, expiry);
  }

  /** Returns another set at the same root, for another repository under it. It has no other role yet. */
  fork(): TrustedSet {
    return new TrustedSet(this.#root, this.#verifier, this.#expiry);
  }

  get root(): Root {
    return this.#root;
  }

  get timestamp(): Timestamp | undefined {
    return this.#timestamp;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get targets(): Targets | undefined {
    return this.#targets;
  }

  /**
   * Takes the next root: signed by the root in force and by itself, and of exactly the next version (5.3.4, 5.3.5).
   *
   * @param verify verifies these signatures, which are not stored with the root and so are verified this once.
   */
  async updateRoot(bytes: Uint8Array, verify: SignatureVerifier = this.#verifier.verify): Promise<Root> {
    if (this.#timestamp)
      throw new RebootlessError("trust", "a root cannot change after the timestamp was read");
    const envelope = parseEnvelope(bytes, "root");
    const root = decodeRoot(envelope.signed);
    const what = nameOf(root);
    await verifyThreshold(envelope, roleOf(this.#root, "root"), this.#root.keys, verify, what);
    await signedByItself(root, envelope, verify);
    if (root.version !== this.#root.version + 1) {
      const expected = this.#root.version + 1;
      throw new RebootlessError(
        "rollback",
        `root has version ${root.version} where ${expected} was expected`,
      );
    }
    this.#root = root;
    return root;
  }

  /** Ends the chain of roots. The last one, and only the last, must not have expired (5.3.10). */
  finishRoots(): void {
    this.#unexpired(this.#root, "root");
  }

  /** Takes a timestamp (5.4). Returns `same` where its version is trusted already; the old file is kept then. */
  async updateTimestamp(bytes: Uint8Array, from: Provenance = "fetched"): Promise<"newer" | "same"> {
    this.finishRoots();
    const envelope = parseEnvelope(bytes, "timestamp");
    await this.#signedBy("timestamp", envelope, "timestamp"); // 5.4.2
    const timestamp = decodeTimestamp(envelope.signed);
    const known = this.#timestamp;
    if (known) {
      notOlder("timestamp", known.version, timestamp.version); // 5.4.3.1
      if (known.version === timestamp.version) return "same";
      notOlder("the snapshot named by the timestamp", known.snapshot.version, timestamp.snapshot.version); // 5.4.3.2
    }
    if (from === "fetched") this.#unexpired(timestamp, "timestamp"); // 5.4.4
    this.#timestamp = timestamp;
    return "newer";
  }

  /**
   * Takes a snapshot (5.5). Call `snapshotMeta` first for the name and length to fetch. A `cached` file may be of an
   * older version than the timestamp names: then it sets the versions for 5.5.5, and `targetsMeta` refuses to rely on it.
   */
  async updateSnapshot(bytes: Uint8Array, from: Provenance = "fetched"): Promise<Snapshot> {
    const meta = this.snapshotMeta();
    if (from === "fetched") await verifyFile(bytes, meta, "snapshot", this.#verifier.digests); // 5.5.2
    const envelope = parseEnvelope(bytes, "snapshot");
    await this.#signedBy("snapshot", envelope, "snapshot"); // 5.5.3
    const snapshot = decodeSnapshot(envelope.signed);
    if (from === "fetched") sameVersion("snapshot", meta, snapshot); // 5.5.4
    if (this.#snapshot) noRollback(this.#snapshot, snapshot); // 5.5.5
    if (from === "fetched") this.#unexpired(snapshot, "snapshot"); // 5.5.6
    this.#snapshot = snapshot;
    return snapshot;
  }

  /**
   * Returns what the timestamp says of the snapshot. A cached timestamp that is relied on must not have expired (5.4.4).
   */
  snapshotMeta(): FileMeta {
    if (!this.#timestamp)
      throw new RebootlessError("trust", "the snapshot cannot be judged before the timestamp");
    this.#unexpired(this.#timestamp, "timestamp");
    return this.#timestamp.snapshot;
  }

  /** Takes targets (5.6). Call `targetsMeta` first for the name and length to fetch. */
  async updateTargets(bytes: Uint8Array): Promise<Targets> {
    const role = { ...roleOf(this.#root, "targets"), name: "targets" };
    this.#targets = await this.#verifyTargets(role, this.#root.keys, bytes);
    return this.#targets;
  }

  /**
   * Takes a role by one of its delegations (5.6.7), verified by the keys and the threshold of that delegation. Call
   * `targetsMeta` with its name first.
   */
  async updateDelegated({ delegator, role }: Edge, bytes: Uint8Array): Promise<Targets> {
    const targets = await this.#verifyTargets(role, delegator.delegations?.keys ?? new Map(), bytes);
    const known = this.#delegated.get(delegator) ?? new Map<string, Targets>();
    this.#delegated.set(delegator, known.set(role.name, targets));
    return targets;
  }

  /** Returns what was verified for this edge before. */
  delegated({ delegator, role }: Edge): Targets | undefined {
    return this.#delegated.get(delegator)?.get(role.name);
  }

  /**
   * Returns what the snapshot says of `targets` or of a delegated role. The snapshot must not have expired (5.5.6), and
   * must be the one that the timestamp names.
   */
  targetsMeta(role = "targets"): FileMeta {
    if (!this.#snapshot) throw new RebootlessError("trust", "targets cannot be judged before the snapshot");
    sameVersion("snapshot", this.snapshotMeta(), this.#snapshot);
    this.#unexpired(this.#snapshot, "snapshot");
    const meta = this.#snapshot.meta.get(`${role}.json`);
    if (!meta) throw new RebootlessError("trust", `snapshot does not list ${shown(`${role}.json`)}`);
    return meta;
  }

  async #verifyTargets(role: RoleKeys & { name: string }, keys: Keys, bytes: Uint8Array): Promise<Targets> {
    const meta = this.targetsMeta(role.name);
    const what = shown(role.name);
    await verifyFile(bytes, meta, what, this.#verifier.digests); // 5.6.2
    const envelope = parseEnvelope(bytes, what);
    await verifyThreshold(envelope, role, keys, this.#verifier.verify, what); // 5.6.3
    const targets = decodeTargets(envelope.signed);
    sameVersion(what, meta, targets); // 5.6.4
    this.#unexpired(targets, what); // 5.6.5
    return targets;
  }

  /** Returns what targets itself says of a path, or undefined (5.7.1). It does not follow delegations. */
  target(path: string): TargetFile | undefined {
    if (!this.#targets)
      throw new RebootlessError("trust", "no target can be named before targets was verified");
    return this.#targets.targets.get(path);
  }

  async #signedBy(role: TopRole, envelope: Envelope, what: string): Promise<void> {
    await verifyThreshold(envelope, roleOf(this.#root, role), this.#root.keys, this.#verifier.verify, what);
  }

  #unexpired(file: Common, role: string): void {
    refuseExpired(file.expires, role, this.#expiry);
  }
}

/**
 * Reads a root that is signed by itself (5.2, 5.3.4), whether or not it has expired.
 *
 * @throws RebootlessError `parse`, `trust`.
 */
export async function selfSignedRoot(bytes: Uint8Array, verifier: Verifier): Promise<Root> {
  const envelope = parseEnvelope(bytes, "root");
  const root = decodeRoot(envelope.signed);
  await signedByItself(root, envelope, verifier.verify);
  return root;
}

const signedByItself = (root: Root, envelope: Envelope, verify: SignatureVerifier): Promise<void> =>
  verifyThreshold(envelope, roleOf(root, "root"), root.keys, verify, nameOf(root));

const nameOf = ({ version }: Root): string => `root version ${version}`;

export function roleOf(root: Root, role: TopRole): RoleKeys {
  const keys = root.roles.get(role);
  if (!keys) throw new RebootlessError("trust", `root names no keys for ${role}`);
  return keys;
}

/** Returns the name of a role in a form that may be printed: a delegator chose it. */
const shown = (name: string): string =>
  /^[\w.-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 80));

/**
 * Refuses a snapshot in which a version went back (5.5.5). Off-spec, and stricter: the snapshot's own version is compared
 * too, which the specification leaves to the timestamp (5.4.3.2). So a host whose cached timestamp was damaged is still
 * protected by its snapshot.
 */
function noRollback(known: Snapshot, offered: Snapshot): void {
  notOlder("snapshot", known.version, offered.version);
  for (const [name, { version }] of known.meta) {
    const file = offered.meta.get(name);
    if (!file) throw new RebootlessError("rollback", `snapshot no longer lists ${shown(name)}`);
    notOlder(shown(name), version, file.version);
  }
}

function notOlder(what: string, known: number, offered: number): void {
  if (offered >= known) return;
  throw new RebootlessError("rollback", `${what} went back from version ${known} to ${offered}`, {
    hint: "A mirror that was restored from a backup does this, and so does an attack. Nothing was changed.",
  });
}

function sameVersion(what: string, meta: FileMeta, file: Common): void {
  if (meta.version === file.version) return;
  throw new RebootlessError(
    "trust",
    `${what} has version ${file.version} where ${meta.version} was signed for`,
  );
}
