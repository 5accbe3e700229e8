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

/** When this host last verified something, by the clock that it had then, and the file that says so. */
export interface LatestTime {
  readonly at: Instant;
  readonly file: string;
}

/**
 * Reads the clock once (TUF specification 5.1) and refuses a time that cannot be: with it, what has expired would
 * pass for fresh, or everything for expired. Throws `clock`.
 *
 * @param latest undefined where nothing was verified yet.
 */
export function saneTime(clock: Clock, latest: LatestTime | undefined): Instant {
  const now = clock();
  if (now < EARLIEST) throw wrongClock(now, "before this program was made", SET_THE_CLOCK);
  if (latest !== undefined && now < latest.at - MAX_STEP_BACK) {
    const why = `but this host verified its feed at ${formatInstant(latest.at)}`;
    throw wrongClock(now, why, `${SET_THE_CLOCK} ${clockWasAhead(latest.file)}`);
  }
  return now;
}

const SET_THE_CLOCK = "If the clock is wrong, set it (timedatectl, chronyd) and run this again.";

const clockWasAhead = (file: string): string =>
  `If the clock is right now and was ahead then, make this host forget that time: \`rm ${file}\`.`;

function wrongClock(now: Instant, why: string, hint: string): RebootlessError {
  return new RebootlessError("clock", `this host's clock says ${formatInstant(now)}, ${why}`, {
    hint,
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
