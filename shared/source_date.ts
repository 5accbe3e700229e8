import { RebootlessError } from "./errors.ts";
import { type Clock, type Instant, instant, SECOND } from "./time.ts";

/** What tells when something is made. */
export interface Dating {
  readonly clock: Clock;
  /** The environment's SOURCE_DATE_EPOCH, as it stands there. */
  readonly sourceDate?: string | undefined;
}

/**
 * The time that a file carries which is made now, in whole seconds: SOURCE_DATE_EPOCH where that is set, so that the same can be
 * made again byte for byte (https://reproducible-builds.org/specs/source-date-epoch/). Throws `usage`.
 */
export function dateOfMaking({ clock, sourceDate }: Dating): Instant {
  const seconds = sourceDate === undefined ? Math.floor(clock() / SECOND) : parseSourceDate(sourceDate);
  return instant(seconds * SECOND);
}

/** Seconds since 1970, up to the year 2286. Throws `usage`. */
export function parseSourceDate(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new RebootlessError("usage", `SOURCE_DATE_EPOCH is no number of seconds: ${JSON.stringify(text)}`, {
    hint: "Set it to whole seconds since 1970, as `date +%s` prints them, or take it out of the environment.",
  });
}
