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

/** The one time at which a run checks expiry, and the delay of metadata that the administrator accepts. */
export interface Freshness {
  readonly now: Instant;
  /** The time for which expired metadata is still accepted. It is 0 unless the administrator set it. */
  readonly acceptStaleMs: number;
  /** Called for every expired file that was accepted. */
  readonly notice: (line: string) => void;
}

/** The earliest possible time: everything that this program can verify was made later. */
const EARLIEST = instant(Date.UTC(2026, 10, 1));
/** The largest step back that is accepted. Time servers and daylight saving make smaller steps. */
const MAX_STEP_BACK = DAY;
/**
 * The longest delay that may be accepted, about a quarter. A courier that takes longer needs a timestamp with a
 * longer lifetime.
 */
export const MAX_ACCEPT_STALE = 90 * DAY;

/** The time of the latest verification by this host's clock, and the file that records it. */
export interface LatestTime {
  readonly at: Instant;
  readonly file: string;
}

/**
 * Reads the clock once (TUF specification 5.1) and refuses an impossible time, with which expired metadata would look
 * fresh or all metadata expired.
 *
 * @param latest undefined if nothing was verified yet.
 * @throws RebootlessError `clock`.
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

/** Verifies at the current time. If something has expired, verifies again as of the earliest time that is accepted. */
export async function atAcceptedTime<T>(
  freshness: Freshness,
  verify: (now: Instant) => Promise<T>,
): Promise<T> {
  const { now, acceptStaleMs, notice } = freshness;
  try {
    return await verify(now);
  } catch (error) {
    if (!isCode(error, "expired") || acceptStaleMs === 0) throw error;
    const result = await verify(instant(now - acceptStaleMs));
    notice(`warning: accepted although ${error.message}, as --accept-stale allows`);
    return result;
  }
}

/**
 * Parses `90m`, `36h` or `14d`, up to MAX_ACCEPT_STALE.
 *
 * @throws RebootlessError `config`.
 */
export function staleness(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds > 0 && milliseconds <= MAX_ACCEPT_STALE) return milliseconds;
  throw new RebootlessError("config", `not a time that stale metadata may be accepted for: ${text}`, {
    hint: `Such as 90m, 36h or 14d; at most ${formatDuration(MAX_ACCEPT_STALE)}.`,
  });
}
