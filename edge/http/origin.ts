import { RebootlessError } from "../../shared/errors.ts";
import { isHost } from "../../shared/http/origin.ts";

/**
 * Returns the feed's origin, for links that need one: the one that its operator configured, or else the host
 * that the request names.
 *
 * @param configured such as `https://feed.example.org`.
 * @returns an origin of the same form.
 * @throws RebootlessError `parse` if the request's host is malformed.
 */
export function originOf(request: Request, configured: string | undefined): string {
  if (configured !== undefined) return configured;
  const { origin, host } = new URL(request.url);
  if (isHost(host)) return origin;
  throw new RebootlessError(
    "parse",
    "the request's Host must be a name or an address, with or without a port",
  );
}
