import { RebootlessError } from "../errors.ts";
import { formatInstant, type Instant } from "../time.ts";

/** Whether metadata that has expired is refused. */
export type Expiry = { readonly mode: "enforce"; readonly now: Instant } | { readonly mode: "ignore_unsafe" };

/** Returns the mode that refuses what has expired. @param now the one time of a refresh (specification 5.1). */
export const enforcedAt = (now: Instant): Expiry => ({ mode: "enforce", now });

/**
 * The mode that takes what has expired. It is unsafe for loading what is new: whoever withholds news from a host could go on showing it
 * an update that was recalled since. It is for looking at what was verified before, for putting that back, and for copies,
 * whose readers check expiry by their own clocks.
 */
export const IGNORE_EXPIRY_UNSAFE: Expiry = { mode: "ignore_unsafe" };

/**
 * Refuses what has expired, unless expiry is ignored.
 *
 * @param role names the file in messages.
 * @throws RebootlessError `expired`.
 */
export function refuseExpired(expires: Instant, role: string, expiry: Expiry): void {
  if (expiry.mode === "ignore_unsafe" || expires > expiry.now) return;
  throw new RebootlessError("expired", `${role} expired at ${formatInstant(expires)}`, {
    hint: `This host's clock says ${formatInstant(expiry.now)}. If that is right, the feed or mirror has not been refreshed.`,
    details: { role, expires: formatInstant(expires) },
  });
}
