import { RebootlessError } from "./errors.ts";
import { type Clock, type Instant, instant, SECOND } from "./time.ts";

/** The sources of the date that new files carry. */
export interface Dating {
  readonly clock: Clock;
  /** The value of SOURCE_DATE_EPOCH in the environment, unparsed. */
  readonly sourceDate?: string | undefined;
}

/**
 * Returns the time to write into a file that is made now, in whole seconds. If SOURCE_DATE_EPOCH is set, it
 * is that time, so that the same file can be made again byte for byte
 * (https://reproducible-builds.org/specs/source-date-epoch/).
 * @throws RebootlessError `usage`
 */
export function dateOfMaking({ clock, sourceDate }: Dating): Instant {
  const seconds = sourceDate === undefined ? Math.floor(clock() / SECOND) : parseSourceDate(sourceDate);
  return instant(seconds * SECOND);
}

/** Reads seconds since 1970, up to the year 2286. @throws RebootlessError `usage` */
export function parseSourceDate(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new RebootlessError("usage", `SOURCE_DATE_EPOCH is no number of seconds: ${JSON.stringify(text)}`, {
    hint: "Set it to whole seconds since 1970, as `date +%s` prints them, or take it out of the environment.",
  });
}
