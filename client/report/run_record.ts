import type { UpdateId } from "../../shared/brand.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { Instant } from "../../shared/time.ts";
import type { Host } from "../host/host.ts";
import type { MachineLog } from "../host/machine_log.ts";

/** A feed that answered, and what it had was good. */
export interface FeedSeen {
  readonly url: string;
  /** Of targets. */
  readonly version: number;
  readonly expires: Instant;
  /** When this run verified it. */
  readonly verified: Instant;
  /** Whether it had anything new. */
  readonly changed: boolean;
}

/** What one run learned and did. Commands note it as they go; it is written down when they end, however they end. */
export class RunRecord {
  host: Host | undefined;
  manifest: KernelManifest | undefined;
  feed: FeedSeen | undefined;
  /** Feeds that were passed over, and why. */
  readonly warnings: string[] = [];
  /** How long the run waited before it began, so that not all hosts ask at once. */
  waitedMs = 0;
  /** Nobody watches: what was said before is not said again. */
  byClock = false;
  /** Recalled updates that it found in force and told of; undefined where it did not come to look. */
  kept: readonly UpdateId[] | undefined;
  readonly #changes: string[] = [];
  readonly #log: MachineLog;

  constructor(log: MachineLog) {
    this.#log = log;
  }

  get changes(): readonly string[] {
    return this.#changes;
  }

  /** A change of this host's state, or one that failed: a line for people. */
  async change(line: string): Promise<void> {
    this.#changes.push(line);
    await this.#log(line);
  }
}
