/** Which proxy is for what. */
export interface Proxies {
  readonly httpsProxy: string | undefined;
  readonly httpProxy: string | undefined;
  readonly noProxy: readonly string[] | undefined;
}

/** The proxy by which a URL is reached, or undefined: straight. */
export function proxyFor(url: URL, { httpsProxy, httpProxy, noProxy = [] }: Proxies): string | undefined {
  if (noProxy.some((name) => covers(name, url))) return undefined;
  return url.protocol === "https:" ? httpsProxy : httpProxy;
}

/** The host's name, or its address: URLs have brackets around those of IPv6. */
export const bareHost = (url: URL): string => unbracketed(url.hostname);

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, "");

/** `name`, `.name` and `*.name` cover the host of that name and all below it; with `:port` for that port alone. */
function covers(entry: string, url: URL): boolean {
  if (entry === "*") return true;
  const [, name = "", port] = /^(.*?)(?::(\d+))?$/.exec(entry.replace(/^\*?\./, "")) ?? [];
  const host = bareHost(url);
  const actual = url.port || (url.protocol === "https:" ? "443" : "80");
  const bare = unbracketed(name);
  if (port !== undefined && port !== actual) return host === entry; // an IPv6 address ends like a port
  return host === bare || host.endsWith(`.${bare}`);
}
