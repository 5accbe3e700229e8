import { readdir, readFile } from "node:fs/promises";
import type { Agent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { join } from "node:path";
import { checkServerIdentity } from "node:tls";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { RebootlessError } from "../../shared/errors.ts";
import { bareHost, type NamedProxy, type Proxies, proxyFor } from "./proxies.ts";

export interface Route extends Proxies {
  readonly caFile: string | undefined;
  readonly caDir: string | undefined;
}

/** The way in which a request reaches its URL. */
export interface Way {
  /** The agent; undefined for Node's own. */
  readonly agent?: Agent;
  readonly via?: Via;
}

/** A proxy that a request goes through. */
export interface Via {
  readonly proxy: NamedProxy;
  /** True once the way through the proxy is open. Until then, a failure is the proxy's. */
  passed: boolean;
  /** The status of the proxy's own answer if it refused to make a tunnel. */
  status: number | undefined;
}

/**
 * Returns the way to a URL. It is empty for a direct connection with Node's own certificates.
 *
 * @throws RebootlessError `config` for certificates that cannot be read.
 */
export async function wayTo(url: URL, route: Route): Promise<Way> {
  const proxy = proxyFor(url, route);
  const secure = [url.href, proxy?.url].some((address) => address?.startsWith("https:"));
  const ca = secure ? await certificates(route) : undefined;
  if (proxy === undefined) {
    if (!ca) return {};
    return { agent: new HttpsAgent({ ca }) };
  }
  const via: Via = { proxy, passed: false, status: undefined };
  if (url.protocol === "https:") return { agent: noting(via, await tunnel(url, proxy.url, ca)), via };
  return { agent: noting(via, new HttpProxyAgent(proxy.url, ca && { ca })), via };
}

type Connecting = Agent & Pick<HttpsProxyAgent<string>, "connect">;

/**
 * Notes when the way through a proxy is open. A proxy that refuses to make a tunnel sends an answer of its own, which
 * the agent would pass on as if it came from the server behind the proxy.
 */
function noting<A extends Connecting>(via: Via, agent: A): A {
  const connect = agent.connect.bind(agent);
  agent.connect = async (request, options) => {
    via.passed = false;
    via.status = undefined;
    request.once("proxyConnect", ({ statusCode }: { readonly statusCode: number }) => {
      via.status = statusCode;
    });
    const socket = await connect(request, options);
    if (via.status !== undefined && via.status !== 200) throw new Error(`the proxy answered ${via.status}`);
    via.passed = true;
    return socket;
  };
  return agent;
}

async function tunnel(url: URL, proxy: string, ca: string[] | undefined): Promise<Connecting> {
  const agent = new HttpsProxyAgent(proxy, ca && { ca });
  // The constructor's options are for the connection to the proxy; these are for the server at the end of the tunnel.
  // If the host is an IP address, TLS is not told its name and would expect `localhost`.
  const host = bareHost(url);
  const identity: typeof checkServerIdentity = (_, certificate) => checkServerIdentity(host, certificate);
  return Object.assign(agent, { options: { ...agent.options, ca, checkServerIdentity: identity } });
}

/** Reads the configured certificates. Returns undefined if Node's own are used. */
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
