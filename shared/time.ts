import { ParseError } from "./errors.ts";

declare const brand: unique symbol;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly [brand]: "Instant" };

/** Tells the time. It is injected wherever the time decides something. */
export type Clock = () => Instant;

export const instant = (milliseconds: number): Instant => milliseconds as Instant;
export const systemClock: Clock = () => instant(Date.now());

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Reads exactly `YYYY-MM-DDTHH:MM:SSZ` (TUF specification 4.2.1, RFC 3339 in UTC). @throws ParseError */
export function parseInstant(text: string): Instant {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse accepts some impossible dates (February 30th), but the result is then written differently.
  if (Number.isNaN(time) || formatInstant(instant(time)) !== text) {
    throw new ParseError(`not a time of the form 2026-01-31T23:59:59Z: ${JSON.stringify(text.slice(0, 40))}`);
  }
  return instant(time);
}

/** Writes whole seconds and cuts off a fraction. */
export const formatInstant = (time: Instant): string => `${new Date(time).toISOString().slice(0, 19)}Z`;

const UNITS = [
  ["d", DAY],
  ["h", HOUR],
  ["m", MINUTE],
  ["s", SECOND],
] as const;

/** Reads `0s`, `90s`, `15m`, `36h` or `14d` as milliseconds. Returns undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, count, letter] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unit = UNITS.find(([name]) => name === letter);
  return unit && Number(count) * unit[1];
}

/**
 * Writes a duration as `formatDuration` does, but in the largest unit of which it has at least two, and cuts
 * off the rest.
 */
export function coarseDuration(milliseconds: number): string {
  const [, unit] = UNITS.find(([, size]) => milliseconds >= 2 * size) ?? ["s", SECOND];
  return formatDuration(milliseconds - (milliseconds % unit));
}

/** Writes a duration in the largest unit that divides it exactly. A fraction of a second is cut off. */
export function formatDuration(milliseconds: number): string {
  const whole = milliseconds - (milliseconds % SECOND);
  const [letter, unit] = UNITS.find(([, size]) => whole >= size && whole % size === 0) ?? ["s", SECOND];
  return `${whole / unit}${letter}`;
}
