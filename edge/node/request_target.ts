import type { IncomingMessage } from "node:http";
import { isHost } from "../../shared/http/origin.ts";

export type RequestTarget =
  /**
   * The target is a path at a host.
   * @property path begins with a slash, and has its query.
   * @property host with or without a port.
   */
  | { readonly kind: "valid"; readonly path: string; readonly host: string }
  | { readonly kind: "invalid"; readonly message: string };

const invalid = (message: string): RequestTarget => ({ kind: "invalid", message });

/**
 * Reads the target of a request (RFC 9112, 3.2): a path, or a whole address, which then takes the place of
 * the Host header. A target that begins with two slashes is a path. A target that parsers of addresses read
 * in different ways is refused.
 */
export function requestTarget({
  url = "",
  headers,
}: Pick<IncomingMessage, "url" | "headers">): RequestTarget {
  const [, authority, rest] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  const host = authority ?? headers.host ?? "";
  const path = rest === undefined ? url : rest.startsWith("/") ? rest : `/${rest}`;
  if (!isHost(host))
    return invalid("the request's Host must be a name or an address, with or without a port");
  if (!path.startsWith("/")) return invalid("the target of a request must be a path");
  if (/^[^?]*\\/.test(path)) return invalid("a path must not have a backslash");
  return { kind: "valid", path, host };
}
