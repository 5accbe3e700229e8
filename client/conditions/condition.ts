import { coarseDuration, DAY, formatInstant, type Instant } from "../../shared/time.ts";

/** Something that a run observed and that may last. */
export interface Observation {
  readonly name: ConditionName;
  /** What it concerns, where there can be several of a name: a feed's address, an update's id; else empty. */
  readonly subject: string;
  /** A sentence for people. */
  readonly detail: string;
}

/** A condition that lasts. Scheduled runs report it when it begins and when it ends; in between, `status` shows it. */
export interface Condition extends Observation {
  readonly since: Instant;
  /** The time at which a scheduled run reported it last. */
  readonly said: Instant | null;
  /** The time at which it ended; null as long as it lasts. */
  readonly ended: Instant | null;
}

interface ConditionKind {
  /** What is reported before the time and the detail; if it is empty, the detail is reported alone. */
  readonly begins: string;
  /** What is reported at the end; if it is missing, nothing is. */
  readonly ends?: (subject: string) => string;
  /** Whether a person has to act. It is then reported again each day, and the run fails. */
  readonly urgent: boolean;
  /** Whether it can be read from the kernel or a file at any time, so that what a run observed is not shown. */
  readonly live: boolean;
}

const NOT_URGENT = { urgent: false, live: false } as const;
const URGENT = { urgent: true, live: false } as const;
const LIVE = { urgent: false, live: true } as const;

/** All conditions. docs/monitoring.md explains them. */
export const CONDITIONS = {
  unreachable: {
    begins: "the feed has been unreachable",
    ends: () => "the feed can be reached again",
    ...NOT_URGENT,
  },
  not_covered: {
    begins: "the running kernel has not been covered",
    ends: () => "the running kernel is covered",
    ...NOT_URGENT,
  },
  expired: {
    begins: "the feed's metadata has been expired",
    ends: () => "the feed's metadata is fresh again",
    ...URGENT,
  },
  failed: {
    begins: "scheduled runs have failed",
    ends: () => "scheduled runs succeed again",
    ...URGENT,
  },
  passed_over: {
    begins: "a feed has been skipped",
    ends: (url) => `a feed is no longer skipped: ${url}`,
    ...NOT_URGENT,
  },
  warning: { begins: "", ...NOT_URGENT },
  recalled: {
    begins: "",
    ends: (id) => `${id}, which was recalled, is no longer applied`,
    ...LIVE,
  },
  switched_off: {
    begins: "scheduled runs have been switched off",
    ends: () => "scheduled runs are no longer switched off",
    ...LIVE,
  },
} as const satisfies Readonly<Record<string, ConditionKind>>;

export type ConditionName = keyof typeof CONDITIONS;
export const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly ConditionName[];

export const conditionKind = (name: ConditionName): ConditionKind => CONDITIONS[name];

/** The conditions that concern the feed. At most one of them lasts at a time. */
export const FEED_CONDITIONS = ["unreachable", "not_covered", "expired"] as const;
const isOfFeed = ({ name }: Observation): boolean => FEED_CONDITIONS.some((one) => one === name);

/** What a run has observed. */
export interface Observations {
  readonly observed: readonly Observation[];
  /** The conditions of which the run has seen all there are. One of them that lasted and was not observed has ended. */
  readonly complete: ReadonlySet<ConditionName>;
}

/** More conditions than a host has feeds and recalled updates. */
export const MAX_CONDITIONS = 512;
/** The longest detail, a message with its cause, in UTF-16 units. */
export const MAX_DETAIL = 1000;

/** Returns the conditions that last after a run, and those that have ended and were not reported yet. */
export function updateConditions(
  before: readonly Condition[],
  { observed, complete }: Observations,
  now: Instant,
): readonly Condition[] {
  const isSame = (a: Observation) => (b: Observation) => a.name === b.name && a.subject === b.subject;
  const goesOn = before.flatMap((one): readonly Condition[] => {
    const again = observed.find(isSame(one));
    if (again) return [{ ...one, ...again, since: one.ended === null ? one.since : now, ended: null }];
    // Another problem with the feed took its place, so that the end of this one is not reported.
    if (isOfFeed(one) && observed.some(isOfFeed)) return [];
    return [one.ended === null && complete.has(one.name) ? { ...one, ended: now } : one];
  });
  const begins = observed
    .filter((one) => !before.some(isSame(one)))
    .map((one): Condition => ({ ...one, since: now, said: null, ended: null }));
  return [...goesOn, ...begins].slice(0, MAX_CONDITIONS);
}

/** What a scheduled run has to report, and the conditions to store afterwards. */
export interface ToSay {
  /** The conditions that have begun, or that are due again. */
  readonly begun: readonly Condition[];
  /** The conditions that have ended. */
  readonly over: readonly Condition[];
  /** The conditions to store. */
  readonly rest: readonly Condition[];
}

export function toSay(conditions: readonly Condition[], now: Instant): ToSay {
  const lasting = conditions.filter(({ ended }) => ended === null);
  const begun = lasting.filter((one) => isDue(one, now));
  const over = conditions.filter(
    ({ name, said, ended }) => ended !== null && said !== null && conditionKind(name).ends,
  );
  return { begun, over, rest: lasting.map((one) => (begun.includes(one) ? { ...one, said: now } : one)) };
}

/** Whether a condition must be reported. A clock that was set back must not suppress it. */
const isDue = ({ name, said }: Condition, now: Instant): boolean =>
  said === null || (conditionKind(name).urgent && (now < said || now - said >= DAY));

export function beginLine({ name, since, detail }: Condition): string {
  const { begins } = conditionKind(name);
  return begins === "" ? detail : `${begins} since ${formatInstant(since)}: ${detail}`;
}

export const endLine = ({ name, subject, since, ended }: Condition): string =>
  `${conditionKind(name).ends?.(subject)}, after ${coarseDuration(Math.max(0, (ended ?? since) - since))}`;
