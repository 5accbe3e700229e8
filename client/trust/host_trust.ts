import { join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { readIfPresent, removeDurably, writeDurably } from "../../node/files.ts";
import type { LatestTime } from "../../node/transport/freshness.ts";
import { formatInstant, HOUR, type Instant, parseInstant } from "../../shared/time.ts";
import { earlierRoot, earlierTime, isEarlierOfAnother, removeEarlier } from "./earlier_layout.ts";
import { forgetKernel, kernelFolders } from "./kernel_folders.ts";

/**
 * The part of what a host has verified that is not about one kernel: the newest root and the latest time. It
 * is stored below <state>/trust/. A host that boots another kernel must not forget them, or revoked keys
 * would be good again there.
 */
export interface HostTrust {
  /** Returns the newest root that was verified under the provisioned one, or undefined. */
  readRoot(): Promise<Uint8Array | undefined>;
  writeRoot(bytes: Uint8Array): Promise<void>;
  removeRoot(): Promise<void>;
  /**
   * Moves files that an earlier version stored elsewhere to this place, and notes under which provisioned
   * root they were verified.
   */
  settle(): Promise<void>;
  /**
   * Tells whether the stored files of the host or of this kernel were verified under another provisioned
   * root.
   */
  isOfAnotherRoot(kernelFolder: string): Promise<boolean>;
  latestTime(): Promise<LatestTime | undefined>;
  /** Tells whether the stored latest time is close enough to `now`. */
  isTimeNoted(now: Instant): Promise<boolean>;
  noteTime(now: Instant): Promise<void>;
  /** Removes all that was verified, for every kernel. Artifacts stay: they are verified by their own digests. */
  forget(): Promise<void>;
}

/**
 * The shortest time between two writes of the latest time. It is a quarter of the step back that a clock may
 * make.
 */
const NOTED_EVERY = 6 * HOUR;

export function hostTrust(stateDir: string, provisionedRoot: Uint8Array): HostTrust {
  const at = (name: string) => join(stateDir, "trust", name);
  const rootFile = at("root.json");
  const provisionedFile = at("provisioned.sha256");
  const timeFile = at("latest_time");
  const provisioned = sha256Of(provisionedRoot);
  const readProvisioned = () => readText(provisionedFile);

  const readRoot = async () => {
    const under = await readProvisioned();
    if (under === undefined) return earlierRoot(stateDir, provisioned);
    return under === provisioned ? readIfPresent(rootFile) : undefined;
  };
  const latestTime = async () => {
    const at = instantIn(await readText(timeFile));
    if (at !== undefined) return { at, file: timeFile };
    return (await readProvisioned()) === undefined ? earlierTime(stateDir) : undefined;
  };
  const isTimeNoted = async (now: Instant) => {
    const kept = instantIn(await readText(timeFile));
    return kept !== undefined && now < kept + NOTED_EVERY;
  };
  return {
    readRoot,
    writeRoot: (bytes) => writeDurably(rootFile, bytes),
    removeRoot: () => removeDurably(rootFile),
    async settle() {
      if ((await readProvisioned()) === provisioned) return;
      const root = await readRoot();
      const time = await latestTime();
      if (root) await writeDurably(rootFile, root);
      else await removeDurably(rootFile);
      if (time) await writeDurably(timeFile, `${formatInstant(time.at)}\n`);
      await writeDurably(provisionedFile, `${provisioned}\n`);
      await removeEarlier(stateDir, provisioned);
    },
    async isOfAnotherRoot(kernelFolder) {
      const under = await readProvisioned();
      if (under === undefined) return isEarlierOfAnother(kernelFolder, provisioned);
      return under !== provisioned;
    },
    latestTime,
    isTimeNoted,
    async noteTime(now) {
      if (!(await isTimeNoted(now))) await writeDurably(timeFile, `${formatInstant(now)}\n`);
    },
    async forget() {
      for (const folder of await kernelFolders(stateDir)) await forgetKernel(folder);
      await removeDurably(rootFile);
      await removeDurably(provisionedFile);
    },
  };
}

async function readText(file: string): Promise<string | undefined> {
  const bytes = await readIfPresent(file);
  return bytes && Buffer.from(bytes).toString("latin1").trim();
}

/**
 * Returns the time that a file holds, or undefined if the file is damaged. The clock is then checked as on a
 * new host.
 */
function instantIn(text: string | undefined): Instant | undefined {
  try {
    return text === undefined ? undefined : parseInstant(text);
  } catch {
    return undefined;
  }
}
