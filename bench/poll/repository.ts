import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import {
  address,
  type BuildId,
  buildId,
  objectName,
  sha256Hex,
  textOffset,
  updateId,
} from "../../shared/brand.ts";
import { fromHex, toHex } from "../../shared/bytes.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import type { Bundle } from "../../shared/feed/bundle.ts";
import { encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import type { Artifact, Update } from "../../shared/feed/update.ts";
import type { JsonObject } from "../../shared/json.ts";
import { locatorLength } from "../../shared/runpre/locator.ts";
import { DAY, instant } from "../../shared/time.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import { ed25519Key, keyId, type PublicKey } from "../../shared/tuf/keys.ts";
import {
  envelope,
  fileMeta,
  rootDocument,
  snapshotDocument,
  targetsDocument,
  timestampDocument,
} from "../../shared/tuf/metadata.ts";
import type { TopRole } from "../../shared/tuf/schema.ts";

/** A key that signs natively: 60,000 documents by tweetnacl would take minutes. */
interface NativeKey {
  readonly id: string;
  readonly key: PublicKey;
  readonly secret: KeyObject;
}

export interface Repository {
  readonly root: Uint8Array;
  /** The feed of a kernel at a version; versions count from 1. @param module of every update, in place of none that there is. */
  bundle(id: BuildId, version: number, updates: number, module?: Artifact): Promise<Bundle>;
}

const THRESHOLD = 2;
const FUNCTION_BYTES = 480;

/** As `rootless-publish init` makes it: 2 of 3 for root and targets, one key each for snapshot and timestamp. */
export async function makeRepository(): Promise<Repository> {
  const keys: Record<TopRole, readonly NativeKey[]> = {
    root: await nativeKeys(1, 3),
    targets: await nativeKeys(11, 3),
    snapshot: await nativeKeys(21, 1),
    timestamp: await nativeKeys(31, 1),
  };
  const expires = instant(Math.floor(Date.now() / 1000) * 1000 + 300 * DAY);
  const role = (name: TopRole) =>
    ({ keyIds: keys[name].map(({ id }) => id), threshold: Math.min(THRESHOLD, keys[name].length) }) as const;
  const root = signed(
    rootDocument({
      version: 1,
      expires,
      keys: new Map(
        Object.values(keys)
          .flat()
          .map(({ id, key }) => [id, key]),
      ),
      roles: new Map((Object.keys(keys) as TopRole[]).map((name) => [name, role(name)])),
    }),
    keys.root,
  );
  return {
    root,
    async bundle(id, version, updates, module) {
      const manifest = encodeManifest(manifestOf(id, version, updates, module));
      const file = {
        length: manifest.length,
        hashes: new Map([["sha256", await sha256Of(manifest)]] as const),
        custom: new Map([["build_id", id]]),
      };
      const all = new Map([[manifestTarget(id), file]]);
      const targets = signed(targetsDocument({ version, expires, targets: all }), keys.targets);
      const targetsMeta = await fileMeta(version, targets);
      const snapshot = signed(snapshotDocument({ version, expires, targets: targetsMeta }), keys.snapshot);
      const snapshotMeta = await fileMeta(version, snapshot);
      const timestamp = signed(
        timestampDocument({ version, expires, snapshot: snapshotMeta }),
        keys.timestamp,
      );
      return { buildId: id, roots: [], timestamp, snapshot, targets, manifest };
    },
  };
}

/** The n-th kernel of the repository. */
export const kernelNumber = (n: number): BuildId => buildId(n.toString(16).padStart(40, "0"));

async function nativeKeys(first: number, count: number): Promise<readonly NativeKey[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => nativeKey(first + i)));
}

async function nativeKey(n: number): Promise<NativeKey> {
  // PKCS #8 of an Ed25519 seed (RFC 8410).
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, n)]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(secret).export({ format: "der", type: "spki" });
  const key = ed25519Key(spki.subarray(-32));
  return { id: await keyId(key), key, secret };
}

function signed(document: JsonObject, keys: readonly NativeKey[]): Uint8Array {
  const message = canonicalJson(document);
  const signatures = keys.map(({ id, secret }) => ({ keyId: id, signature: sign(null, message, secret) }));
  return envelope(document, signatures);
}

function manifestOf(id: BuildId, version: number, updates: number, module?: Artifact): KernelManifest {
  return {
    kernel: { buildId: id, release: "6.1.0-56-cloud-amd64", architecture: "x86_64" },
    landmarks: {
      linkedText: address(0xffffffff81000000n),
      returnThunkVariable: textOffset(0x1_6000),
      returnThunkDefault: textOffset(0x1_7000),
      returnThunkIts: textOffset(0x1_8000),
    },
    updates: Array.from({ length: updates }, (_, i) => updateOf(version * 10 + i, module)),
  };
}

/** One function of middling size, as a fix of one bug has. */
function updateOf(n: number, module?: Artifact): Update {
  const digest = sha256Hex(toHex(fromHex("5a".repeat(28))) + n.toString(16).padStart(8, "0"));
  return {
    id: updateId(`debian-6.1.192-fix-${n}`),
    summary: "ext4: do not load the buddy page of a group that was never initialised",
    cves: [`CVE-2026-${10_000 + n}`],
    published: instant(1_793_000_000_000),
    rollout: null,
    effective: null,
    depends: [],
    conflicts: [],
    recalled: null,
    engine: "livepatch",
    replace: false,
    supersedes: [],
    parts: [],
    module: { sha256: digest, length: 332_520, ...module, name: objectName(`rebootless_fix_${n}`) },
    objects: [
      {
        name: objectName("vmlinux"),
        buildId: null,
        layout: null,
        functions: [
          {
            name: "ext4_mb_load_buddy_gfp",
            offset: textOffset(0x3f_5980 + n * 0x1000),
            size: FUNCTION_BYTES,
            sha256: digest,
            locator: new Uint8Array(locatorLength(FUNCTION_BYTES)).fill(n),
            sites: [
              { kind: "ftrace", at: 0 },
              { kind: "reloc32", at: 24 },
              { kind: "return_thunk", at: 453 },
            ],
          },
        ],
      },
    ],
  };
}
