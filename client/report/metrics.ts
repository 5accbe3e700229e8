import { type Instant, SECOND } from "../../shared/time.ts";
import type { Family, Sample } from "./prometheus.ts";

/** What is measured of a host. What is not known is undefined. */
export interface Measured {
  /** The version of the program. */
  readonly version: string;
  readonly kernel: { readonly release: string; readonly effectiveRelease: string; readonly buildId: string };
  /** The number of updates in each state. */
  readonly updates: ReadonlyMap<string, number>;
  readonly withheld: number;
  /** Objects of applied updates that are not loaded, or whose code was not matched yet. */
  readonly pendingObjects: number;
  readonly suspects: number;
  readonly foreign: number;
  /** For each name of a condition, how many last, and since when the oldest of them lasts, if that is known. */
  readonly conditions: readonly {
    readonly name: string;
    readonly count: number;
    readonly since: Instant | undefined;
  }[];
  /** The number of CVEs with each status, of those that the feed has fixes for. */
  readonly cves: ReadonlyMap<string, number>;
  readonly feed:
    | { readonly version: number; readonly verified: Instant; readonly expires: Instant }
    | undefined;
  readonly run: LastRun | undefined;
  /** The duration of the last transition, of an update that was applied or undone. */
  readonly transitionMs: number | undefined;
}

export interface LastRun {
  readonly command: string;
  readonly exitCode: number;
  readonly ended: Instant;
  readonly milliseconds: number;
}

interface Metric {
  readonly name: string;
  /** The names of its labels. */
  readonly labels: readonly string[];
  readonly help: string;
  readonly of: (host: Measured) => readonly Sample[];
}

const one = (value: number | undefined, labels: Sample["labels"] = {}): readonly Sample[] =>
  value === undefined ? [] : [{ labels, value }];
const each = (label: string, counts: ReadonlyMap<string, number>): readonly Sample[] =>
  [...counts].map(([name, value]) => ({ labels: { [label]: name }, value }));
const seconds = (milliseconds: number | undefined): number | undefined =>
  milliseconds === undefined ? undefined : milliseconds / SECOND;

/** All metrics. The manual page is made from this table too. */
export const METRICS: readonly Metric[] = [
  {
    name: "rebootless_info",
    labels: ["version", "release", "effective_release", "build_id"],
    help: "Always 1; the labels give the versions of the program and the kernel.",
    of: ({ version, kernel }) =>
      one(1, {
        version,
        release: kernel.release,
        effective_release: kernel.effectiveRelease,
        build_id: kernel.buildId,
      }),
  },
  {
    name: "rebootless_updates",
    labels: ["state"],
    help: "Updates that the feed has for the running kernel, by their state in it.",
    of: ({ updates }) => each("state", updates),
  },
  {
    name: "rebootless_updates_withheld",
    labels: [],
    help: "Updates that policy keeps back: held, delayed, not rolled out yet, and so on.",
    of: ({ withheld }) => one(withheld),
  },
  {
    name: "rebootless_pending_objects",
    labels: [],
    help: "Objects of applied updates that are not loaded or not matched yet.",
    of: ({ pendingObjects }) => one(pendingObjects),
  },
  {
    name: "rebootless_suspects",
    labels: [],
    help: "Updates that were being changed when the host went down, and are not tried again by themselves.",
    of: ({ suspects }) => one(suspects),
  },
  {
    name: "rebootless_foreign_patches",
    labels: [],
    help: "Live patches in the kernel that the feed does not know.",
    of: ({ foreign }) => one(foreign),
  },
  {
    name: "rebootless_condition",
    labels: ["condition"],
    help: "Lasting conditions, by their name.",
    of: ({ conditions }) => conditions.flatMap(({ name, count }) => one(count, { condition: name })),
  },
  {
    name: "rebootless_condition_since_timestamp_seconds",
    labels: ["condition"],
    help: "When the oldest lasting condition of a name began.",
    of: ({ conditions }) => conditions.flatMap(({ name, since }) => one(seconds(since), { condition: name })),
  },
  {
    name: "rebootless_cves",
    labels: ["status"],
    help: "CVEs that the feed has fixes for, by their status in the running kernel.",
    of: ({ cves }) => each("status", cves),
  },
  {
    name: "rebootless_feed_version",
    labels: [],
    help: "Version of the feed's metadata for this kernel.",
    of: ({ feed }) => one(feed?.version),
  },
  {
    name: "rebootless_feed_verified_timestamp_seconds",
    labels: [],
    help: "When an answer of the feed was verified last.",
    of: ({ feed }) => one(seconds(feed?.verified)),
  },
  {
    name: "rebootless_feed_expires_timestamp_seconds",
    labels: [],
    help: "When the metadata that was verified last expires.",
    of: ({ feed }) => one(seconds(feed?.expires)),
  },
  {
    name: "rebootless_last_run_timestamp_seconds",
    labels: ["command"],
    help: "When the last run ended of those that can change something.",
    of: ({ run }) => one(seconds(run?.ended), run && { command: run.command }),
  },
  {
    name: "rebootless_last_run_duration_seconds",
    labels: ["command"],
    help: "How long the last run took.",
    of: ({ run }) => one(seconds(run?.milliseconds), run && { command: run.command }),
  },
  {
    name: "rebootless_last_run_exit_code",
    labels: ["command"],
    help: "The exit code of the last run, 0 or another documented one.",
    of: ({ run }) => one(run?.exitCode, run && { command: run.command }),
  },
  {
    name: "rebootless_last_transition_seconds",
    labels: [],
    help: "How long the last transition took, of an update that was applied or undone.",
    of: ({ transitionMs }) => one(seconds(transitionMs)),
  },
];

export const metricFamilies = (host: Measured): readonly Family[] =>
  METRICS.map(({ name, help, of }) => ({ name, help, samples: of(host) }));
