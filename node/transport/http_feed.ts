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
  /** From connecting to the last byte: a server that trickles is cut off here. */
  readonly timeoutMs: number;
  /** The same for a download. */
  readonly downloadTimeoutMs: number;
  /** How to get there, where that is not straight or not by Node's own certificates. */
  readonly wayTo?: (url: URL) => Promise<Way>;
  /** Breaks a download off when it is aborted. */
  readonly stop?: AbortSignal;
}

/** The second: 32 MB, the largest artifact, at 1 Mbit/s. */
export const DEFAULT_HTTP: HttpOptions = { timeoutMs: 30_000, downloadTimeoutMs: 300_000 };

/** @param base of the feed, ending in a slash. */
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

/** Servers close a kept connection when they like, also in the moment in which it is used again: then on a new one. */
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

/** 407 is a proxy's alone (RFC 9110 section 15.5.8); who gave any other answer through a proxy cannot be told. */
function refused(url: URL, { via }: Way, status: number): RebootlessError {
  if (via && status === 407) return proxyFault(via.proxy, status);
  return unreachable(url.href, `answered ${status}${through(via)}`);
}

const through = (via: Via | undefined): string => (via ? `, through ${describeProxy(via.proxy)}` : "");

/** A body that nobody reads would hold its connection, and with it this process. */
function discard({ body }: Response): void {
  if (body instanceof Readable) body.destroy();
}

/** An edge's errors have some 200 bytes. */
const MAX_ERROR_BYTES = 4096;

/** `{"error":{"code"}}`: nothing rests on it but words, and what is no error of an edge says nothing. */
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

/** Counted as it is unpacked. */
async function body(response: Response, { via }: Way, maxBytes: number): Promise<Uint8Array> {
  const bytes = await gathered(response.body ?? Readable.from([]), maxBytes).catch((cause: unknown) => {
    throw unreachable(response.url, `broke off in its answer${through(via)}`, cause);
  });
  if (bytes) return bytes;
  throw tooLong(response.url, `sent more than the file may have${through(via)}`);
}
