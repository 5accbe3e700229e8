import { isCode, RebootlessError } from "../../shared/errors.ts";
import {
  type Clock,
  DAY,
  formatDuration,
  formatInstant,
  type Instant,
  instant,
  parseDuration,
} from "../../shared/time.ts";

/** The one time by which a run judges expiry, and how far behind it the administrator lets metadata be. */
export interface Freshness {
  readonly now: Instant;
  /** 0 unless the administrator said otherwise. */
  readonly acceptStaleMs: number;
  /** Hears of every expired file that was accepted. */
  readonly notice: (line: string) => void;
}

/** Nothing that this program can verify existed before. */
const EARLIEST = instant(Date.UTC(2026, 10, 1));
/** Time servers and daylight saving make less of a step than this. */
const MAX_STEP_BACK = DAY;
/** A courier that takes longer than a quarter needs a timestamp of its own, not a blind eye. */
export const MAX_ACCEPT_STALE = 90 * DAY;

/**
 * Reads the clock once (TUF specification 5.1) and refuses a time that cannot be: with it, what has expired would
 * pass for fresh, or everything for expired. Throws `clock`.
 *
 * @param lastSeen when this host last verified something, by the clock it had then.
 */
export function saneTime(clock: Clock, lastSeen: Instant | undefined): Instant {
  const now = clock();
  if (now < EARLIEST) throw wrongClock(now, "before this program was made");
  if (lastSeen !== undefined && now < lastSeen - MAX_STEP_BACK) {
    throw wrongClock(now, `but this host verified its feed at ${formatInstant(lastSeen)}`);
  }
  return now;
}

function wrongClock(now: Instant, why: string): RebootlessError {
  return new RebootlessError("clock", `this host's clock says ${formatInstant(now)}, ${why}`, {
    hint: "Set the clock (timedatectl, chronyd). If it was wrong before and is right now, remove feed.etag below the state folder.",
    details: { now: formatInstant(now) },
  });
}

/** Judges at the time that it is; and where that finds something expired, as of the earliest time that is allowed. */
export async function judged<T>(freshness: Freshness, judge: (now: Instant) => Promise<T>): Promise<T> {
  const { now, acceptStaleMs, notice } = freshness;
  try {
    return await judge(now);
  } catch (error) {
    if (!isCode(error, "expired") || acceptStaleMs === 0) throw error;
    const result = await judge(instant(now - acceptStaleMs));
    notice(`warning: accepted although ${error.message}, as --accept-stale allows`);
    return result;
  }
}

/** Reads `90m`, `36h`, `14d`, up to MAX_ACCEPT_STALE. Throws `config`. */
export function staleness(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds > 0 && milliseconds <= MAX_ACCEPT_STALE) return milliseconds;
  throw new RebootlessError("config", `not a time that stale metadata may be accepted for: ${text}`, {
    hint: `Such as 90m, 36h or 14d; at most ${formatDuration(MAX_ACCEPT_STALE)}.`,
  });
}
