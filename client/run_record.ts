import type { KernelManifest } from "../shared/feed/manifest.ts";
import type { Instant } from "../shared/time.ts";
import {
  type ConditionName,
  MAX_DETAIL,
  type Observation,
  type Observations,
} from "./conditions/condition.ts";
import type { MachineLog } from "./host/machine_log.ts";
import type { Host } from "./this_host.ts";

/** A poll of a feed whose answer was verified. */
export interface VerifiedPoll {
  readonly url: string;
  readonly targetsVersion: number;
  readonly expires: Instant;
  /** The time at which this run verified it. */
  readonly verified: Instant;
  /** Whether the feed had anything new. */
  readonly changed: boolean;
}

/** What a run learns and does. Commands record it as they go on. It is written to status.json when they end, in any way. */
export class RunRecord {
  host: Host | undefined;
  manifest: KernelManifest | undefined;
  feed: VerifiedPoll | undefined;
  /** Warnings about feeds that were skipped. */
  readonly warnings: string[] = [];
  /** How long the run waited before it began, so that not all hosts ask at once, in milliseconds. */
  waitedMs = 0;
  /** Whether the run is started by cron or a timer, so that no one watches it and nothing is reported twice. */
  scheduled = false;
  /** Whether this host's state was changed. */
  changed = false;
  readonly #changes: string[] = [];
  readonly #observed = new Map<string, Observation>();
  readonly #complete = new Set<ConditionName>();
  readonly #log: MachineLog;

  constructor(log: MachineLog) {
    this.#log = log;
  }

  /** Lines for people about changes that were made or failed. */
  get changes(): readonly string[] {
    return this.#changes;
  }

  /** Records a change of this host's state. */
  async change(line: string): Promise<void> {
    this.changed = true;
    this.#changes.push(line);
    await this.log(line);
  }

  /** Records a change that failed. The failure of a scheduled run is logged when it is reported. */
  async failure(line: string): Promise<void> {
    this.#changes.push(line);
    if (!this.scheduled) await this.log(line);
  }

  /** Writes a line to the machine's log only. */
  async log(line: string): Promise<void> {
    await this.#log(line);
  }

  /** Records something that may last. */
  observe(name: ConditionName, subject: string, detail: string): void {
    const observed = { name, subject: subject.slice(0, MAX_DETAIL), detail: detail.slice(0, MAX_DETAIL) };
    this.#observed.set(`${name} ${observed.subject}`, observed);
  }

  /** Records that all conditions of these names have been observed. */
  observedAll(...names: readonly ConditionName[]): void {
    for (const name of names) this.#complete.add(name);
  }

  hasObserved(name: ConditionName): boolean {
    return [...this.#observed.values()].some((observed) => observed.name === name);
  }

  /** Returns the observations since the last call. */
  takeObservations(): Observations {
    const observations = { observed: [...this.#observed.values()], complete: new Set(this.#complete) };
    this.#observed.clear();
    this.#complete.clear();
    return observations;
  }
}
