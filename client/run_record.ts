import type { KernelManifest } from "../shared/feed/manifest.ts";
import type { Instant } from "../shared/time.ts";
import { type ConditionName, MAX_DETAIL, type Observations, type Seen } from "./conditions/condition.ts";
import type { MachineLog } from "./host/machine_log.ts";
import type { Host } from "./this_host.ts";

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
  /** Whether this host's state was changed. */
  changed = false;
  readonly #changes: string[] = [];
  readonly #seen = new Map<string, Seen>();
  readonly #judged = new Set<ConditionName>();
  readonly #log: MachineLog;

  constructor(log: MachineLog) {
    this.#log = log;
  }

  /** What changed, and what failed to: lines for people. */
  get changes(): readonly string[] {
    return this.#changes;
  }

  /** A change of this host's state. */
  async change(line: string): Promise<void> {
    this.changed = true;
    this.#changes.push(line);
    await this.log(line);
  }

  /** A change that failed. What a run by the clock failed with is logged when it is said. */
  async failure(line: string): Promise<void> {
    this.#changes.push(line);
    if (!this.byClock) await this.log(line);
  }

  /** Into the machine's log alone. */
  async log(line: string): Promise<void> {
    await this.#log(line);
  }

  /** Notes what may last. */
  see(name: ConditionName, subject: string, detail: string): void {
    const seen = { name, subject: subject.slice(0, MAX_DETAIL), detail: detail.slice(0, MAX_DETAIL) };
    this.#seen.set(`${name} ${seen.subject}`, seen);
  }

  /** Notes that all there is of these was seen. */
  judge(...names: readonly ConditionName[]): void {
    for (const name of names) this.#judged.add(name);
  }

  sees(name: ConditionName): boolean {
    return [...this.#seen.values()].some((seen) => seen.name === name);
  }

  /** What was noted and not taken yet. */
  takeObservations(): Observations {
    const observations = { seen: [...this.#seen.values()], judged: new Set(this.#judged) };
    this.#seen.clear();
    this.#judged.clear();
    return observations;
  }
}
