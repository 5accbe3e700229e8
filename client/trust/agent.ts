import { readdir, readFile } from "node:fs/promises";
import type { Agent } from "node:http";
import { join } from "node:path";
import { RebootlessError } from "../../shared/errors.ts";
import { bareHost, type Proxies, proxyFor } from "./proxies.ts";

export interface Route extends Proxies {
  readonly caFile: string | undefined;
  readonly caDir: string | undefined;
}

/**
 * How to get to a URL, where it is not straight or not by Node's own certificates. Proxies' agents and TLS are loaded
 * by hosts that need them. Throws `config` for certificates that cannot be read.
 */
export async function agentFor(url: URL, route: Route): Promise<Agent | undefined> {
  const proxy = proxyFor(url, route);
  const secure = [url.href, proxy].some((address) => address?.startsWith("https:"));
  const ca = secure ? await certificates(route) : undefined;
  if (proxy === undefined) {
    if (!ca) return undefined;
    const { Agent: HttpsAgent } = await import("node:https");
    return new HttpsAgent({ ca });
  }
  if (url.protocol === "http:") {
    const { HttpProxyAgent } = await import("http-proxy-agent");
    return new HttpProxyAgent(proxy, ca && { ca });
  }
  return tunnel(url, proxy, ca);
}

async function tunnel(url: URL, proxy: string, ca: string[] | undefined): Promise<Agent> {
  const { HttpsProxyAgent } = await import("https-proxy-agent");
  const { checkServerIdentity } = await import("node:tls");
  const agent = new HttpsProxyAgent(proxy, ca && { ca });
  // What the constructor takes is for the way to the proxy; this is for who answers at the end of the tunnel. TLS is not
  // told the host's name there when it is an IP address, and would expect `localhost`.
  const host = bareHost(url);
  const identity: typeof checkServerIdentity = (_, certificate) => checkServerIdentity(host, certificate);
  return Object.assign(agent, { options: { ...agent.options, ca, checkServerIdentity: identity } });
}

/** undefined where Node's own hold. */
async function certificates({ caFile, caDir }: Route): Promise<string[] | undefined> {
  const files = [
    ...(caFile === undefined ? [] : [caFile]),
    ...(caDir === undefined ? [] : await filesIn(caDir)),
  ];
  if (caFile === undefined && caDir === undefined) return undefined;
  const texts = await Promise.all(files.map(readText));
  const found = texts.flatMap((text) => text.match(CERTIFICATE) ?? []);
  if (found.length > 0) return found;
  throw new RebootlessError(
    "config",
    `no certificate (PEM) in ${[caFile, caDir].filter(Boolean).join(" or ")}`,
  );
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => join(folder, name))
      .sort();
  } catch (cause) {
    throw new RebootlessError("config", `cannot read ca_dir ${folder}`, { cause });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch (cause) {
    throw new RebootlessError("config", `cannot read certificates from ${path}`, { cause });
  }
}
