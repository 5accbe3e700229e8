import { counted } from "../../shared/counted.ts";
import { groupBy } from "../../shared/group_by.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { formatInstant, type Instant, MINUTE } from "../../shared/time.ts";
import type { FollowedFix, FollowState } from "./follow_state.ts";
import { type FollowItem, isOpen } from "./item.ts";

/** What a page and programs say of a state. */
export interface FollowSummary {
  readonly at: Instant;
  readonly fixes: readonly FollowedFix[];
  readonly items: readonly FollowItem[];
  /** How many items are in each state. */
  readonly counts: ReadonlyMap<string, number>;
  /** The age of the oldest fix that is still under way for a kernel, in minutes. */
  readonly oldestOpen: number | undefined;
  /** The median of the minutes from "seen" to "ready" of all items that have passed their trial. */
  readonly medianReady: number | undefined;
}

export function followSummary({ fixes, items }: FollowState, at: Instant): FollowSummary {
  const groups = groupBy(items, ({ state }) => state.kind);
  const seen = items.filter(isOpen).map((item) => item.seen);
  const ready = items.flatMap((item) => minutesToReady(item) ?? []);
  return {
    at,
    fixes,
    items,
    counts: new Map([...groups].map(([kind, own]) => [kind, own.length])),
    oldestOpen: seen.length === 0 ? undefined : minutesBetween(Math.min(...seen) as Instant, at),
    medianReady: median(ready),
  };
}

/** Returns the minutes from when an item was seen until it had passed its trial. */
export const minutesToReady = ({ seen, ready }: FollowItem): number | undefined =>
  ready === undefined ? undefined : minutesBetween(seen, ready);

/** Returns whole minutes, rounded up: what took a second took a minute. */
const minutesBetween = (from: Instant, to: Instant): number => Math.max(0, Math.ceil((to - from) / MINUTE));

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  const next = sorted[Math.ceil((sorted.length - 1) / 2)];
  return middle === undefined || next === undefined ? undefined : (middle + next) / 2;
}

/** Counts the states: "12 updates: 3 pushed, 9 already in". */
export function countsText({ items, counts }: FollowSummary): string {
  const words = [...counts].map(([kind, count]) => `${count} ${kind}`);
  return [counted(items.length, "update"), words.join(", ")].filter((text) => text !== "").join(": ");
}

/** Returns an item as a line for people. */
export function itemText({ fix, release, state }: FollowItem): string {
  const detail = "reason" in state ? state.reason : "request" in state ? state.request : "";
  return [fix.padEnd(32), release.padEnd(32), state.kind.padEnd(14), detail].join(" ").trimEnd();
}

/** Returns what a summary says of all updates together. Times are in UTC, durations in minutes. */
export const totalsJson = (summary: FollowSummary): JsonObject =>
  jsonObject({
    format: 1,
    at: formatInstant(summary.at),
    counts: jsonObject(
      Object.fromEntries([...summary.counts].map(([kind, count]) => [kind.replaceAll(" ", "_"), count])),
    ),
    oldest_open_minutes: summary.oldestOpen ?? null,
    median_minutes_to_ready: whole(summary.medianReady),
  });

/** Returns a summary as an object for programs, with each fix and each update. */
export const summaryJson = (summary: FollowSummary): JsonObject =>
  jsonObject({
    ...Object.fromEntries(totalsJson(summary)),
    fixes: summary.fixes.map(({ id, kind, subject, cves, seen, retired }) =>
      jsonObject({ id, kind, subject, cves, seen: formatInstant(seen), superseded: retired }),
    ),
    updates: summary.items.map(summarizedItem),
  });

/** Numbers in JSON are whole here. A half minute is rounded up. */
const whole = (minutes: number | undefined): number | null =>
  minutes === undefined ? null : Math.ceil(minutes);

/** Returns an item as an object for programs. */
export const summarizedItem = (item: FollowItem): JsonObject => {
  const { state, ready, pushed } = item;
  return jsonObject({
    fix: item.fix,
    build_id: item.kernel,
    release: item.release,
    state: state.kind.replaceAll(" ", "_"),
    ...("reason" in state && { reason: state.reason }),
    ...("step" in state && { step: state.step, attempts: state.attempts }),
    ...("draft" in state && { draft: state.draft }),
    ...("request" in state && { request: state.request }),
    seen: formatInstant(item.seen),
    ...(ready !== undefined && { ready: formatInstant(ready) }),
    ...(pushed !== undefined && { pushed: formatInstant(pushed) }),
    minutes_to_ready: minutesToReady(item),
  });
};
