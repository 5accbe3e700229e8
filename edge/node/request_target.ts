import type { IncomingMessage } from "node:http";
import { isHost } from "../../shared/http/origin.ts";

export type Target =
  /** @property path with its query, beginning with a slash. @property host with or without a port. */
  | { readonly kind: "sound"; readonly path: string; readonly host: string }
  | { readonly kind: "unsound"; readonly message: string };

const unsound = (message: string): Target => ({ kind: "unsound", message });

/**
 * What a request is for (RFC 9112, 3.2): a path, or a whole address, which then stands for the Host header too. A path may begin
 * with two slashes and is a path all the same. What parsers of addresses read in different ways is refused.
 */
export function requestTarget({ url = "", headers }: Pick<IncomingMessage, "url" | "headers">): Target {
  const [, authority, rest] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  const host = authority ?? headers.host ?? "";
  const path = rest === undefined ? url : rest.startsWith("/") ? rest : `/${rest}`;
  if (!isHost(host)) return unsound("the request's Host is not a host with or without a port");
  if (!path.startsWith("/")) return unsound("the target of a request is a path here");
  if (/^[^?]*\\/.test(path)) return unsound("a path has no backslash in it");
  return { kind: "sound", path, host };
}
