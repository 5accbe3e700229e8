import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { DAY, formatInstant, HOUR, type Instant, instant } from "../../shared/time.ts";

/**
 * The longest lifetime that is accepted. Longer ones are usually a mistyped year, and would keep a leaked key
 * valid.
 */
export const MAX_LIFETIME = 5 * 366 * DAY;
/**
 * The shortest lifetime that is accepted, because metadata with a shorter one could not be renewed in time.
 */
export const MIN_LIFETIME = HOUR;

const AMOUNT = /^in (\d{1,4}) (hour|day|week|month|year)s?$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Reads an expiry: `in 90 days`, `in 6 weeks`, `in 1 year`, a day (which means its first second in UTC), or
 * an RFC 3339 time with an offset, cut to whole seconds.
 *
 * @throws RebootlessError `usage`.
 */
export function parseExpiry(text: string, now: Instant): Instant {
  const [, amount, unit] = AMOUNT.exec(text) ?? [];
  if (amount !== undefined) return wholeSeconds(later(now, Number(amount), unit ?? ""));
  const time = DATE.test(text) ? `${text}T00:00:00Z` : text;
  const local = TIME.exec(time)?.[1];
  if (local !== undefined && exists(local)) {
    const parsed = Date.parse(time);
    if (!Number.isNaN(parsed)) return wholeSeconds(parsed);
  }
  throw new RebootlessError("usage", `not an expiry: ${JSON.stringify(text.slice(0, 40))}`, {
    hint: 'Write "in 90 days", "in 6 weeks", "in 1 year", 2027-01-31 or 2027-01-31T12:00:00Z.',
  });
}

/** Says what is wrong with an expiry; returns undefined if nothing is. */
export function expiryFault(expires: Instant, now: Instant): string | undefined {
  if (expires <= now) return `it would expire at ${formatInstant(expires)}, which is in the past`;
  if (expires - now < MIN_LIFETIME) return `it would expire at ${formatInstant(expires)}, within the hour`;
  return expires - now > MAX_LIFETIME
    ? `it would expire at ${formatInstant(expires)}, more than five years ahead`
    : undefined;
}

/** Writes an expiry as `2027-01-31T00:00:00Z, in 90 days`. */
export function expiryInWords(expires: Instant, now: Instant): string {
  const days = Math.round(Math.abs(expires - now) / DAY);
  const amount = days === 0 ? "less than a day" : counted(days, "day");
  return `${formatInstant(expires)}, ${expires > now ? `in ${amount}` : `expired ${amount} ago`}`;
}

/**
 * Adds an amount of time. Months and years follow the calendar; a day that the month does not have becomes
 * its last day.
 */
function later(now: Instant, amount: number, unit: string): number {
  if (unit === "hour") return now + amount * HOUR;
  if (unit === "day") return now + amount * DAY;
  if (unit === "week") return now + amount * 7 * DAY;
  const date = new Date(now);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + amount * (unit === "year" ? 12 : 1));
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return date.getTime();
}

const wholeSeconds = (time: number): Instant => instant(Math.floor(time / 1000) * 1000);

/**
 * Checks that a date exists. Date.parse accepts some impossible dates (February 30th), but its result is then
 * written differently.
 */
function exists(local: string): boolean {
  const time = Date.parse(`${local}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(local);
}
