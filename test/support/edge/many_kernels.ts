import { digests, sha256Of } from "../../../node/crypto.ts";
import { keyFromSeed, type SigningKey } from "../../../publisher/keys/key_file.ts";
import { firstRoot } from "../../../publisher/keys/root.ts";
import { signWithSecrets } from "../../../publisher/keys/sign.ts";
import {
  address,
  type BuildId,
  buildId,
  objectName,
  sha256Hex,
  textOffset,
  updateId,
} from "../../../shared/brand.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import type { Bundle } from "../../../shared/feed/bundle.ts";
import { encodeManifest, type KernelManifest } from "../../../shared/feed/manifest.ts";
import { manifestTarget } from "../../../shared/feed/paths.ts";
import type { Artifact, Update } from "../../../shared/feed/update.ts";
import { locatorLength } from "../../../shared/runpre/locator.ts";
import { DAY, instant, systemClock } from "../../../shared/time.ts";
import {
  fileMeta,
  snapshotDocument,
  targetsDocument,
  timestampDocument,
} from "../../../shared/tuf/metadata.ts";

/** A repository of any number of kernels, as benches and proofs want it. */
export interface Repository {
  readonly root: Uint8Array;
  /** The feed of a kernel at a version; versions count from 1. @param module the module of every update, in place of one that does not exist. */
  bundle(id: BuildId, version: number, updates: number, module?: Artifact): Promise<Bundle>;
}

const FUNCTION_BYTES = 480;

/** Makes a repository with keys as `rebootless-publish init` makes them: 2 of 3 for root and targets, 1 for the others. */
export async function makeRepository(): Promise<Repository> {
  const keys = {
    root: await keysFrom(1, 3),
    targets: await keysFrom(11, 3),
    snapshot: await keysFrom(21, 1),
    timestamp: await keysFrom(31, 1),
  };
  const thresholds = { root: 2, targets: 2, snapshot: 1, timestamp: 1 };
  const expires = instant(Math.floor(Date.now() / 1000) * 1000 + 300 * DAY);
  const root = firstRoot({ keys, thresholds }, systemClock);
  return {
    root,
    async bundle(id, version, updates, module) {
      const manifest = encodeManifest(manifestOf(id, version, updates, module));
      const file = {
        length: manifest.length,
        hashes: new Map([["sha256", sha256Of(manifest)]] as const),
        custom: new Map([["build_id", id]]),
      };
      const all = new Map([[manifestTarget(id), file]]);
      const targets = signWithSecrets(targetsDocument({ version, expires, targets: all }), keys.targets);
      const targetsMeta = await fileMeta(version, targets, digests);
      const snapshot = signWithSecrets(
        snapshotDocument({ version, expires, targets: targetsMeta }),
        keys.snapshot,
      );
      const snapshotMeta = await fileMeta(version, snapshot, digests);
      const timestamp = signWithSecrets(
        timestampDocument({ version, expires, snapshot: snapshotMeta }),
        keys.timestamp,
      );
      return { buildId: id, roots: [], timestamp, snapshot, targets, manifest };
    },
  };
}

/** The n-th kernel of the repository. */
export const kernelNumber = (n: number): BuildId => buildId(n.toString(16).padStart(40, "0"));

const keysFrom = (first: number, count: number): Promise<SigningKey[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => keyFromSeed(new Uint8Array(32).fill(first + i))));

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
