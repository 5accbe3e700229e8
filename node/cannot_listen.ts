import { RebootlessError } from "../shared/errors.ts";

/** Returns the error of a server that cannot listen. The third parameter is Node's error, whose `code` is an errno's name. */
export function cannotListen(
  host: string,
  port: number,
  { code, message }: Error & { readonly code?: string },
): RebootlessError {
  const hint = HINTS.get(code ?? "");
  const options = hint === undefined ? {} : { hint };
  return new RebootlessError("io", `cannot listen at ${host} port ${port}: ${message}`, options);
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "Another process listens there: stop it, or choose another --port."],
  ["EADDRNOTAVAIL", "This machine has no such address: choose another --host."],
  ["ENOTFOUND", "Nobody knows this name: choose another --host."],
  ["EACCES", "Ports below 1024 are root's: choose another --port, and let a proxy have the low one."],
]);
