import { createPrivateKey, createPublicKey, sign as signNatively } from "node:crypto";
import { digests } from "../../node/crypto.ts";
import { concatBytes, fromHex, utf8 } from "../../shared/bytes.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { DAY, formatInstant, type Instant, instant } from "../../shared/time.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import { ed25519Key, keyId, keyToJson, type PublicKey } from "../../shared/tuf/keys.ts";
import { envelope, fileMeta } from "../../shared/tuf/metadata.ts";
import { roleFile, TOP_ROLES, type TopRole } from "../../shared/tuf/role_name.ts";

/*
 * A TUF repository in memory that signs whatever it is told to. It keeps no rule of its own: every document can be
 * edited before it is signed and every file after, so that each attack is what a test says it is.
 */

/** A moment at which everything that the repository makes is valid. */
export const NOW: Instant = instant(Date.UTC(2030, 0, 15));
export const VALID_UNTIL = formatInstant(instant(NOW + 30 * DAY));

export interface Key {
  readonly id: string;
  readonly public: PublicKey;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** RFC 8410 section 7: what stands before the 32 bytes of an Ed25519 private key. */
const PKCS8_HEAD = fromHex("302e020100300506032b657004220420");

/** @param seed any number: the same number is the same key. */
export async function testKey(seed: number): Promise<Key> {
  const secret = new Uint8Array(32);
  new DataView(secret.buffer).setUint32(0, seed);
  const pkcs8 = Buffer.from(concatBytes([PKCS8_HEAD, secret]));
  const signer = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const spki = createPublicKey(signer).export({ format: "der", type: "spki" });
  const key = ed25519Key(spki.subarray(-32));
  return {
    id: await keyId(key, digests),
    public: key,
    sign: (message) => signNatively(null, message, signer),
  };
}

let nextSeed = 1_000_000;
export const newKey = (): Promise<Key> => testKey(nextSeed++);

/** What is said of a role where it is listed, and who signs it in truth. */
export interface RoleState {
  version: number;
  expires: string;
  threshold: number;
  /** Listed as the role's. */
  keys: Key[];
  /** Sign the role: the same, unless a test says otherwise. */
  signers: Key[];
}

export interface Delegation extends RoleState {
  /** `paths`, `path_hash_prefixes`, or nothing. */
  readonly covers: Readonly<Record<string, JsonValue>>;
  readonly terminating: boolean;
}

/** A role of targets: the top one or a delegated one. */
export class TargetsState {
  readonly targets = new Map<string, JsonValue>();
  readonly delegations = new Map<string, Delegation>();
  /** TAP 15: takes the place of `delegations`. */
  succinct: (RoleState & { readonly bitLength: number; readonly prefix: string }) | undefined;
}

export interface Tampering {
  /** Edits the signed part before it is signed. */
  readonly edit?: (signed: Map<string, JsonValue>) => void;
  /** Edits the file after it was signed. */
  readonly text?: (file: string) => string;
  /** Publishes under this version instead of the next. */
  readonly version?: number;
  /** In place of the role's signers. */
  readonly signers?: readonly Key[];
}

export class HostileRepository {
  /** What is served, by the name that clients ask for. */
  readonly files = new Map<string, Uint8Array>();
  /** By target path quoted for a URL, below the base of targets. */
  readonly artifacts = new Map<string, Uint8Array>();
  readonly roles: Record<TopRole, RoleState>;
  readonly targets = new Map<string, TargetsState>([["targets", new TargetsState()]]);
  /** By file name, what the snapshot lists. */
  readonly meta = new Map<string, { version: number; bytes: Uint8Array }>();
  /** Whether snapshot and timestamp state lengths and hashes. */
  statesHashes = true;
  consistent: boolean | undefined = true;
  readonly #delegatedVersions = new Map<string, number>();

  private constructor(roles: Record<TopRole, RoleState>) {
    this.roles = roles;
  }

  /** All four roles at version 1, one key each. */
  static async create(prepare?: (repository: HostileRepository) => void): Promise<HostileRepository> {
    const state = async (): Promise<RoleState> => {
      const key = await newKey();
      return { version: 0, expires: VALID_UNTIL, threshold: 1, keys: [key], signers: [key] };
    };
    const [root, timestamp, snapshot, targets] = [await state(), await state(), await state(), await state()];
    const repository = new HostileRepository({ root, timestamp, snapshot, targets });
    prepare?.(repository);
    await repository.publishRoot();
    await repository.publish();
    return repository;
  }

  file(name: string): Uint8Array {
    const bytes = this.files.get(name);
    if (!bytes) throw new Error(`the repository has no ${name}`);
    return bytes;
  }

  /** targets, snapshot and timestamp, each one version on. */
  async publish(): Promise<void> {
    await this.publishTargets();
    await this.publishSnapshot();
    await this.publishTimestamp();
  }

  async publishRoot(tampering: Tampering = {}): Promise<Uint8Array> {
    const state = this.#next("root", tampering);
    const keys = TOP_ROLES.flatMap((role) => this.roles[role].keys);
    const bytes = this.#signed("root", state, tampering, {
      ...(this.consistent === undefined ? {} : { consistent_snapshot: this.consistent }),
      keys: listedKeys(keys),
      roles: new Map(TOP_ROLES.map((role) => [role, jsonObject(listedRole(this.roles[role]))])),
    });
    this.files.set(`${state.version}.root.json`, bytes);
    return bytes;
  }

  async publishTargets(tampering: Tampering = {}): Promise<Uint8Array> {
    const state = this.#next("targets", tampering);
    return this.#publishTargetsRole("targets", state, tampering);
  }

  /** @param delegator whose keys for it sign. */
  async publishDelegated(
    name: string,
    delegator = "targets",
    tampering: Tampering = {},
  ): Promise<Uint8Array> {
    const { delegations, succinct } = this.targetsOf(delegator);
    const state = delegations.get(name) ?? succinct;
    if (!state) throw new Error(`${delegator} does not delegate to ${name}`);
    const version = tampering.version ?? (this.#delegatedVersions.get(name) ?? 0) + 1;
    this.#delegatedVersions.set(name, version);
    return this.#publishTargetsRole(name, { ...state, version }, tampering);
  }

  async publishSnapshot(tampering: Tampering = {}): Promise<Uint8Array> {
    const state = this.#next("snapshot", tampering);
    const meta = new Map<string, JsonValue>();
    for (const [name, file] of this.meta) meta.set(name, await this.#listedFile(file));
    const bytes = this.#signed("snapshot", state, tampering, { meta });
    this.#serve("snapshot", state.version, bytes);
    return bytes;
  }

  async publishTimestamp(tampering: Tampering = {}): Promise<Uint8Array> {
    const state = this.#next("timestamp", tampering);
    const version = this.roles.snapshot.version;
    const file = { version, bytes: this.file(this.fileName("snapshot", version)) };
    const meta = new Map<string, JsonValue>([["snapshot.json", await this.#listedFile(file)]]);
    const bytes = this.#signed("timestamp", state, tampering, { meta });
    this.files.set("timestamp.json", bytes);
    return bytes;
  }

  targetsOf(role: string): TargetsState {
    const state = this.targets.get(role) ?? new TargetsState();
    this.targets.set(role, state);
    return state;
  }

  /** Says that `delegator` trusts `name` with what `covers`; publish both to make it so. */
  async delegate(
    delegator: string,
    name: string,
    covers: Readonly<Record<string, JsonValue>> = { paths: ["*"] },
    terminating = false,
  ): Promise<Delegation> {
    const key = await newKey();
    const state = { version: 0, expires: VALID_UNTIL, threshold: 1, keys: [key], signers: [key] };
    const delegation = { ...state, covers, terminating };
    this.targetsOf(delegator).delegations.set(name, delegation);
    this.targetsOf(name);
    return delegation;
  }

  /** Signs for a target in a role and serves its bytes. */
  async addTarget(role: string, path: string, bytes: Uint8Array): Promise<void> {
    const { hashes = new Map<string, string>() } = await fileMeta(1, bytes, digests);
    const listed = jsonObject({ length: bytes.length, hashes: new Map<string, JsonValue>(hashes) });
    this.targetsOf(role).targets.set(path, listed);
    const at = path.lastIndexOf("/") + 1;
    this.artifacts.set(path, bytes);
    this.artifacts.set(`${path.slice(0, at)}${hashes.get("sha256")}.${path.slice(at)}`, bytes);
  }

  /** One new key for a role, listed in the next root; the old one is revoked. */
  async rotate(role: TopRole): Promise<{ readonly before: readonly Key[]; readonly after: Key }> {
    const after = await newKey();
    const before = this.roles[role].keys;
    this.roles[role].keys = [after];
    this.roles[role].signers = role === "root" ? [...before, after] : [after];
    return { before, after };
  }

  fileName(role: string, version: number): string {
    return this.consistent ? `${version}.${roleFile(role)}` : roleFile(role);
  }

  #next(role: TopRole, { version }: Tampering): RoleState {
    const state = this.roles[role];
    state.version = version ?? state.version + 1;
    return state;
  }

  #publishTargetsRole(name: string, state: RoleState, tampering: Tampering): Uint8Array {
    const { targets, delegations, succinct } = this.targetsOf(name);
    const lists = delegations.size > 0 || succinct;
    const bytes = this.#signed("targets", state, tampering, {
      targets,
      ...(lists ? { delegations: succinct ? succinctJson(succinct) : delegationsJson(delegations) } : {}),
    });
    this.meta.set(`${name}.json`, { version: state.version, bytes });
    this.#serve(name, state.version, bytes);
    return bytes;
  }

  #serve(role: string, version: number, bytes: Uint8Array): void {
    this.files.set(this.fileName(role, version), bytes);
  }

  #signed(
    type: TopRole,
    state: RoleState,
    tampering: Tampering,
    members: Readonly<Record<string, JsonValue>>,
  ): Uint8Array {
    const { version, expires } = state;
    const signed = new Map(jsonObject({ _type: type, spec_version: "1.0.33", version, expires, ...members }));
    tampering.edit?.(signed);
    const bytes = sign(signed, tampering.signers ?? state.signers);
    return tampering.text ? utf8(tampering.text(new TextDecoder().decode(bytes))) : bytes;
  }

  async #listedFile({ version, bytes }: { version: number; bytes: Uint8Array }): Promise<JsonObject> {
    if (!this.statesHashes) return jsonObject({ version });
    const meta = await fileMeta(version, bytes, digests);
    const hashes = new Map<string, JsonValue>(meta.hashes ?? []);
    return jsonObject({ version, length: bytes.length, hashes });
  }
}

/** A file with the signatures of these keys over this document. */
export function sign(signed: JsonObject, signers: readonly Key[]): Uint8Array {
  const message = canonicalJson(signed);
  return envelope(
    signed,
    signers.map((key) => ({ keyId: key.id, signature: key.sign(message) })),
  );
}

const listedKeys = (keys: readonly Key[]): JsonObject =>
  new Map(keys.map((key) => [key.id, keyToJson(key.public)]));

const listedRole = ({ keys, threshold }: RoleState): Record<string, JsonValue> => ({
  keyids: keys.map(({ id }) => id),
  threshold,
});

function delegationsJson(delegations: ReadonlyMap<string, Delegation>): JsonObject {
  return jsonObject({
    keys: listedKeys([...delegations.values()].flatMap(({ keys }) => keys)),
    roles: [...delegations].map(([name, delegation]) =>
      jsonObject({
        name,
        ...listedRole(delegation),
        ...delegation.covers,
        terminating: delegation.terminating,
      }),
    ),
  });
}

function succinctJson(succinct: NonNullable<TargetsState["succinct"]>): JsonObject {
  return jsonObject({
    keys: listedKeys(succinct.keys),
    succinct_roles: jsonObject({
      ...listedRole(succinct),
      bit_length: succinct.bitLength,
      name_prefix: succinct.prefix,
    }),
  });
}
