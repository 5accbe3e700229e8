import { BlockList, isIP } from "node:net";
import { RebootlessError } from "../../shared/errors.ts";
import { maskedProxy } from "../config/kinds.ts";

/**
 * A proxy, and the place where it was set, such as "HTTPS_PROXY in the environment", for the person who has to
 * correct it.
 */
export interface NamedProxy {
  readonly url: string;
  readonly setBy: string;
}

/** The proxies for each protocol, and the hosts that are reached without one. */
export interface Proxies {
  readonly httpsProxy: NamedProxy | undefined;
  readonly httpProxy: NamedProxy | undefined;
  readonly noProxy: readonly string[] | undefined;
}

/** Returns the proxy for a URL; undefined if none is used. */
export function proxyFor(url: URL, { httpsProxy, httpProxy, noProxy = [] }: Proxies): NamedProxy | undefined {
  if (noProxy.some((name) => covers(name, url))) return undefined;
  return url.protocol === "https:" ? httpsProxy : httpProxy;
}

/** Describes a proxy for people, without its password. */
export const describeProxy = ({ url, setBy }: NamedProxy): string =>
  `the proxy ${maskedProxy(url)} (${setBy})`;

/**
 * Returns the error for a proxy that did not let the request through, so that nothing is known of the feed behind it.
 *
 * @param status the status of the proxy's own answer; undefined if it gave none.
 */
export const proxyFault = (proxy: NamedProxy, status: number | undefined, cause?: unknown): RebootlessError =>
  new RebootlessError("unreachable", `${describeProxy(proxy)} ${problemOf(status)}`, {
    cause,
    hint: "Mend it there, or name the feed's host in no_proxy. Nothing was changed; what is applied stays applied.",
    details: { proxy: maskedProxy(proxy.url), proxy_set_by: proxy.setBy },
  });

function problemOf(status: number | undefined): string {
  if (status === undefined) return "cannot be reached";
  return status === 407
    ? "answered 407: it wants a name and a password"
    : `answered ${status} and let nothing through`;
}

/** Returns the host's name, or its address without the brackets that URLs put around IPv6. */
export const bareHost = (url: URL): string => unbracketed(url.hostname);

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, "");

/**
 * Tells whether an entry of no_proxy covers a URL. As in curl, `name` and `.name` cover the host of that name and all
 * hosts below it, `10.0.0.0/8` covers the addresses of a network, and a dot at the end of a name is ignored. In
 * addition, `*.name` means the same as `.name`, and `name:port` covers that port alone.
 */
function covers(entry: string, url: URL): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isWithin(entry, bareHost(url));
  const [, name = "", port] = /^(.*?)\.?(?::(\d+))?$/.exec(entry.replace(/^\*?\./, "")) ?? [];
  const host = bareHost(url).replace(/\.$/, "");
  const actual = url.port || (url.protocol === "https:" ? "443" : "80");
  const bare = unbracketed(name);
  if (port !== undefined && port !== actual) return host === entry; // an IPv6 address ends like a port
  return host === bare || host.endsWith(`.${bare}`);
}

/**
 * Tells whether a host's address is in a network.
 *
 * @param network an address and the number of its bits that are compared.
 */
function isWithin(network: string, host: string): boolean {
  const [address = "", bits = ""] = network.split("/");
  const family = isIP(unbracketed(address));
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const kind = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(unbracketed(address), Number(bits), kind);
  return list.check(host, kind);
}
