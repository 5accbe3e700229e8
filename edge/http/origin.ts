import { RebootlessError } from "../../shared/errors.ts";
import { isHost } from "../../shared/http/origin.ts";

/**
 * Where the feed is, for links that must be whole: as its operator configured it, or else by the host that the request named,
 * never by its path. Throws `parse` for what is no host.
 *
 * @param configured such as `https://feed.example.org`. @returns the like.
 */
export function originOf(request: Request, configured: string | undefined): string {
  if (configured !== undefined) return configured;
  const { origin, host } = new URL(request.url);
  if (isHost(host)) return origin;
  throw new RebootlessError("parse", "the request's Host is not a host with or without a port");
}
