import { nodeVerifier } from "../../../node/verifier.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { verifyManifest } from "../../../shared/feed/binding.ts";
import { decodeBundle } from "../../../shared/feed/bundle.ts";
import type { KernelManifest } from "../../../shared/feed/manifest.ts";
import { feedPath, manifestTarget, metadataPath, targetsPath } from "../../../shared/feed/paths.ts";
import { type Clock, systemClock } from "../../../shared/time.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { TrustedSet } from "../../../shared/tuf/trusted_set.ts";
import type { Answer, Send } from "./edge.ts";

/** The state that a reader verified. */
export interface Believed {
  readonly root: number;
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
  readonly manifest: KernelManifest;
}

/** Reads a kernel's feed and verifies each state from the first root on, as a host does. Throws when one does not verify. */
export interface Reader {
  /** Reads feed.json, which has everything in one answer. */
  bundle(): Promise<Believed>;
  /** Reads the single files, in the order of the TUF client workflow. */
  files(): Promise<Believed>;
}

export function reader(send: Send, root: Uint8Array, id: BuildId, clock: Clock = systemClock): Reader {
  const get = async (path: string): Promise<Answer> => send("GET", `/${path}`);
  const must = async (path: string): Promise<Uint8Array> => {
    const answer = await get(path);
    if (answer.status === 200) return answer.bytes;
    throw new Error(`${path}: ${answer.status} ${new TextDecoder().decode(answer.bytes)}`);
  };
  return {
    bundle: async () => {
      const bundle = decodeBundle(await must(feedPath(id)));
      const set = await TrustedSet.fromRoot(root, nodeVerifier, enforcedAt(clock()));
      for (const next of bundle.roots) await set.updateRoot(next);
      await set.updateTimestamp(bundle.timestamp);
      await set.updateSnapshot(bundle.snapshot);
      await set.updateTargets(bundle.targets);
      return believed(set, id, bundle.manifest);
    },
    files: async () => {
      const file = (name: string) => must(`${metadataPath(id)}/${name}`);
      const set = await TrustedSet.fromRoot(root, nodeVerifier, enforcedAt(clock()));
      for (;;) {
        const next = await get(`${metadataPath(id)}/${set.root.version + 1}.root.json`);
        if (next.status === 404) break;
        await set.updateRoot(next.bytes);
      }
      await set.updateTimestamp(await file("timestamp.json"));
      await set.updateSnapshot(await file(`${set.snapshotMeta().version}.snapshot.json`));
      await set.updateTargets(await file(`${set.targetsMeta().version}.targets.json`));
      const digest = set.target(manifestTarget(id))?.hashes.get("sha256");
      return believed(set, id, await must(`${targetsPath(id)}/kernels/${digest}.${id}.json`));
    },
  };
}

async function believed(set: TrustedSet, id: BuildId, bytes: Uint8Array): Promise<Believed> {
  const manifest = await verifyManifest(set, id, bytes, nodeVerifier.digests);
  const { root, timestamp, snapshot, targets } = set;
  if (!timestamp || !snapshot || !targets) throw new Error("a role is missing");
  return {
    root: root.version,
    timestamp: timestamp.version,
    snapshot: snapshot.version,
    targets: targets.version,
    manifest,
  };
}

export interface Readings {
  /** Waits for so many further readings that begin from now on. Throws what a reading threw. */
  more(count: number): Promise<void>;
  stop(): Promise<readonly Believed[]>;
}

/** Reads over and over until it is told to stop. Versions must never go back. */
export function readOn(read: () => Promise<Believed>): Readings {
  let stopped = false;
  const seen: Believed[] = [];
  const running = (async () => {
    while (!stopped) {
      const now = await read();
      notBack(seen.at(-1), now);
      seen.push(now);
    }
  })();
  running.catch(() => undefined); // stop() and more() throw it
  return {
    more: async (count) => {
      const enough = seen.length + count + 1;
      while (seen.length < enough) {
        await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 10))]);
      }
    },
    stop: async () => {
      stopped = true;
      await running;
      return seen;
    },
  };
}

function notBack(before: Believed | undefined, now: Believed): void {
  for (const role of ["root", "timestamp", "snapshot", "targets"] as const) {
    if (before && now[role] < before[role]) {
      throw new Error(`${role} went back from version ${before[role]} to ${now[role]}`);
    }
  }
}
