import { Readable } from "node:stream";
import fetch, { type FetchError, type RequestInit, type Response } from "node-fetch";
import { Decoder } from "../../shared/decode.ts";
import type { RebootlessError } from "../../shared/errors.ts";
import { gathered } from "../../shared/gathered_bytes.ts";
import { parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import type { Via, Way } from "./agent.ts";
import { type Feed, type FetchLimits, tooLong, unreachable } from "./feed.ts";
import { describeProxy, proxyFault } from "./proxies.ts";

export interface HttpOptions {
  /** The longest time from connecting to the last byte. A server that only trickles is cut off then. */
  readonly timeoutMs: number;
  /** The same for a download. */
  readonly downloadTimeoutMs: number;
  /** Returns the way to a URL. It is needed if connections are not direct or do not use Node's own certificates. */
  readonly wayTo?: (url: URL) => Promise<Way>;
  /** The signal that breaks off a download when it is aborted. */
  readonly stop?: AbortSignal;
}

/** The default times. The one for downloads is enough for 32 MB, the largest artifact, at 1 Mbit/s. */
export const DEFAULT_HTTP: HttpOptions = { timeoutMs: 30_000, downloadTimeoutMs: 300_000 };

/**
 * Opens a feed over HTTP.
 *
 * @param base the feed's URL, which ends in a slash.
 */
export function httpFeed(base: string, options: HttpOptions = DEFAULT_HTTP): Feed {
  const traffic = { requests: 0, bytes: 0 };
  return {
    url: base,
    traffic,
    async get(path, limits) {
      traffic.requests++;
      const url = new URL(path, base);
      const way = (await options.wayTo?.(url)) ?? {};
      const response = await request(url, way, limits, options);
      if (response.status === 404) return { status: "not_found", code: await codeIn(response) };
      if (response.status !== 200) discard(response);
      if (response.status === 304 && limits.etag !== undefined) return { status: "not_modified" };
      if (response.status !== 200) throw refused(url, way, response.status);
      const bytes = await body(response, way, limits.maxBytes);
      traffic.bytes += bytes.length;
      return { status: "ok", bytes, etag: response.headers.get("etag") ?? undefined };
    },
  };
}

/**
 * Makes a request. Servers close an idle connection when they like, even at the moment in which it is used again. In
 * that case the request is made again on a new one.
 */
async function request(
  url: URL,
  { agent, via }: Way,
  { etag, download }: FetchLimits,
  { timeoutMs, downloadTimeoutMs, stop }: HttpOptions,
): Promise<Response> {
  const timeout = AbortSignal.timeout(download ? downloadTimeoutMs : timeoutMs);
  const options: RequestInit = {
    redirect: "error",
    signal: download && stop ? AbortSignal.any([stop, timeout]) : timeout,
    headers: { "user-agent": "rebootless", ...(etag === undefined ? {} : { "if-none-match": etag }) },
    ...(agent && { agent }),
  };
  try {
    return await fetch(url, options).catch((error: Partial<FetchError>) => {
      if (error.code !== "ECONNRESET") throw error;
      return fetch(url, options);
    });
  } catch (cause) {
    if (via && !via.passed) throw proxyFault(via.proxy, via.status, cause);
    throw unreachable(url.href, `did not answer${through(via)}`, cause);
  }
}

/**
 * Returns the error for an answer. Only proxies answer 407 (RFC 9110 section 15.5.8); any other answer through a
 * proxy may be from the proxy or from the server.
 */
function refused(url: URL, { via }: Way, status: number): RebootlessError {
  if (via && status === 407) return proxyFault(via.proxy, status);
  return unreachable(url.href, `answered ${status}${through(via)}`);
}

const through = (via: Via | undefined): string => (via ? `, through ${describeProxy(via.proxy)}` : "");

/** Drops a body. A body that is not read would keep its connection open, and with it this process. */
function discard({ body }: Response): void {
  if (body instanceof Readable) body.destroy();
}

/** The most bytes of an edge's error, which has some 200. */
const MAX_ERROR_BYTES = 4096;

/**
 * Reads the code from an edge's error, `{"error":{"code"}}`. It only improves messages, so an answer that is not an
 * edge's error gives undefined.
 */
async function codeIn(response: Response): Promise<string | undefined> {
  try {
    const bytes = await body(response, {}, MAX_ERROR_BYTES);
    const error = new Decoder(parseJson(bytes, "error", MAX_SMALL_VALUES), "error").get("error");
    return error.get("code").string();
  } catch {
    return undefined;
  } finally {
    discard(response);
  }
}

/** Reads a body, whose bytes are counted as they are unpacked. */
async function body(response: Response, { via }: Way, maxBytes: number): Promise<Uint8Array> {
  const bytes = await gathered(response.body ?? Readable.from([]), maxBytes).catch((cause: unknown) => {
    throw unreachable(response.url, `broke off in its answer${through(via)}`, cause);
  });
  if (bytes) return bytes;
  throw tooLong(response.url, `sent more than the file may have${through(via)}`);
}
