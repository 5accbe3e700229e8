import { coarseDuration, DAY, formatInstant, type Instant } from "../../shared/time.ts";

/** What a run found to be so. */
export interface Seen {
  readonly name: ConditionName;
  /** Which one, where there can be several of a name: a feed's address, an update's id. */
  readonly subject: string;
  /** For people. */
  readonly detail: string;
}

/** Something that lasts: runs by the clock say it when it begins and when it ends; in between it is shown. */
export interface Condition extends Seen {
  readonly since: Instant;
  /** When a run by the clock said it last. */
  readonly said: Instant | null;
  /** null as long as it lasts. */
  readonly ended: Instant | null;
}

interface Kind {
  /** Comes before the detail, which says all by itself where this is empty. */
  readonly begins: string;
  /** What is said at the end; nothing where there is none. */
  readonly ends?: (subject: string) => string;
  /** Somebody has to act: it is said again each day, and the run fails. */
  readonly urgent: boolean;
  /** Whether the kernel or a file tells it at any time, so that what a run found is not shown. */
  readonly live: boolean;
}

const SUFFERED = { urgent: false, live: false } as const;
const URGENT = { urgent: true, live: false } as const;
const LIVE = { urgent: false, live: true } as const;

/** Every condition there is; docs/monitoring.md says what each means. */
export const CONDITIONS = {
  unreachable: {
    begins: "the feed is out of reach",
    ends: () => "the feed is in reach again",
    ...SUFFERED,
  },
  not_covered: {
    begins: "the running kernel is not covered",
    ends: () => "the running kernel is covered",
    ...SUFFERED,
  },
  expired: {
    begins: "the feed has nothing that is not expired",
    ends: () => "the feed is fresh again",
    ...URGENT,
  },
  failed: {
    begins: "runs by the clock fail",
    ends: () => "runs by the clock end well again",
    ...URGENT,
  },
  passed_over: {
    begins: "a feed is passed over",
    ends: (url) => `a feed is passed over no more: ${url}`,
    ...SUFFERED,
  },
  warning: { begins: "", ...SUFFERED },
  recalled: {
    begins: "",
    ends: (id) => `${id}, which was recalled, is applied no more`,
    ...LIVE,
  },
  switched_off: {
    begins: "runs by the clock do nothing",
    ends: () => "runs by the clock go on",
    ...LIVE,
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type ConditionName = keyof typeof CONDITIONS;
export const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly ConditionName[];

export const conditionKind = (name: ConditionName): Kind => CONDITIONS[name];

/** How it stands with the feed: one of them at a time. */
export const FEED_CONDITIONS = ["unreachable", "not_covered", "expired"] as const;
const isOfFeed = ({ name }: Seen): boolean => FEED_CONDITIONS.some((one) => one === name);

/** What a run found out. */
export interface Observations {
  readonly seen: readonly Seen[];
  /** Of which it found out all: what lasted and was not seen has ended. */
  readonly judged: ReadonlySet<ConditionName>;
}

/** More of them than a host has feeds and updates that are recalled. */
export const MAX_CONDITIONS = 512;
/** In UTF-16 units: a message with its cause. */
export const MAX_DETAIL = 1000;

/** What lasts, and what has ended and was not said to have, once a run has looked. */
export function observe(
  before: readonly Condition[],
  { seen, judged }: Observations,
  now: Instant,
): readonly Condition[] {
  const isSame = (a: Seen) => (b: Seen) => a.name === b.name && a.subject === b.subject;
  const goesOn = before.flatMap((one): readonly Condition[] => {
    const again = seen.find(isSame(one));
    if (again) return [{ ...one, ...again, since: one.ended === null ? one.since : now, ended: null }];
    // Another trouble with the feed took its place: nothing is well again.
    if (isOfFeed(one) && seen.some(isOfFeed)) return [];
    return [one.ended === null && judged.has(one.name) ? { ...one, ended: now } : one];
  });
  const begins = seen
    .filter((one) => !before.some(isSame(one)))
    .map((one): Condition => ({ ...one, since: now, said: null, ended: null }));
  return [...goesOn, ...begins].slice(0, MAX_CONDITIONS);
}

/** What a run by the clock has to say, and what is left when it has. */
export interface ToSay {
  readonly begun: readonly Condition[];
  readonly over: readonly Condition[];
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

/** A clock that was set back must not silence anything. */
const isDue = ({ name, said }: Condition, now: Instant): boolean =>
  said === null || (conditionKind(name).urgent && (now < said || now - said >= DAY));

export function beginLine({ name, since, detail }: Condition): string {
  const { begins } = conditionKind(name);
  return begins === "" ? detail : `${begins} since ${formatInstant(since)}: ${detail}`;
}

export const endLine = ({ name, subject, since, ended }: Condition): string =>
  `${conditionKind(name).ends?.(subject)}, after ${coarseDuration(Math.max(0, (ended ?? since) - since))}`;
