import { setTimeout as sleep } from "node:timers/promises";
import fetch, { type RequestInit } from "node-fetch";
import { RebootlessError } from "../../shared/errors.ts";
import { gathered } from "../../shared/gathered_bytes.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { excerpt } from "../../shared/printable.ts";
import type { Clock } from "../../shared/time.ts";
import type { PublisherFolder } from "./publisher_folder.ts";
import { makeToken, type TokenScope } from "./token.ts";

/**
 * The largest answer to a publisher that is accepted by default. Only bundles and some batch answers are
 * larger.
 */
const MAX_ANSWER_BYTES = 64 * 1024;
/**
 * The most characters of the edge's reason that are shown, because whoever runs the edge chooses its text.
 */
const MAX_REASON = 1000;
const DEADLINE_MS = 120_000;
/** The statuses by which a proxy says that it got no answer from the edge. */
const UNAVAILABLE: ReadonlySet<number> = new Set([502, 503, 504]);
/**
 * The most times that a publisher over its rate limit waits, as the edge asks, and the longest wait in
 * seconds.
 */
const MAX_WAITS = 5;
const MAX_WAIT_SECONDS = 60;

/** The hosts that are reached without a network, so that compression would gain nothing. */
const LOCAL = /^(?:localhost|127\.[0-9.]+|\[::1\])$/;

export interface EdgeAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  /** Returns the header with a name in lower case. */
  readonly header: (name: string) => string | null;
}

/** A client of the edge. Its methods throw `unreachable`; the caller checks the edge's answer. */
export interface EdgeClient {
  /**
   * Reads a file of the feed.
   *
   * @param etag the ETag of a stored copy; the answer is 304 if that is the newest.
   */
  get(path: string, maxBytes: number, etag?: string): Promise<EdgeAnswer>;
  /**
   * Sends a request with a token made for it, and sends it again if the edge says how long to wait.
   *
   * @param maxBytes the largest answer that is accepted.
   */
  send(scope: TokenScope, maxBytes?: number): Promise<EdgeAnswer>;
}

type EdgeReader = Pick<EdgeClient, "get">;

/** Makes a client of the edge. @param base the feed's address, with a slash at its end. */
export function edgeClient(base: string, folder: PublisherFolder, clock: Clock): EdgeClient {
  const sendOnce = async (scope: TokenScope, maxBytes: number) => {
    const authorization = `Bearer ${await makeToken(folder, scope, clock)}`;
    return call(new URL(scope.path.slice(1), base), {
      method: scope.method,
      size: maxBytes,
      ...(scope.method !== "GET" && { body: Buffer.from(scope.body) }),
      headers: { authorization, "content-type": "application/octet-stream" },
    });
  };
  return {
    ...edgeReader(base),
    async send(scope, maxBytes = MAX_ANSWER_BYTES) {
      for (let waits = 0; ; waits++) {
        const answer = await sendOnce(scope, maxBytes);
        const wait = waits < MAX_WAITS ? waitOf(answer) : undefined;
        if (wait === undefined) return answer;
        await sleep(wait);
      }
    },
  };
}

/**
 * Returns how many milliseconds to wait before the request is sent again; undefined if it is not to be sent
 * again.
 */
function waitOf({ status, header }: EdgeAnswer): number | undefined {
  const seconds = /^\d{1,4}$/.test(header("retry-after") ?? "") ? Number(header("retry-after")) : undefined;
  return status === 429 && seconds !== undefined && seconds <= MAX_WAIT_SECONDS ? seconds * 1000 : undefined;
}

/** Makes a client that only reads, which needs no token. */
export const edgeReader = (base: string): EdgeReader => ({
  get: (path, maxBytes, etag) =>
    call(new URL(path, base), { size: maxBytes, ...(etag && { headers: { "if-none-match": etag } }) }),
});

async function call(url: URL, { size = MAX_ANSWER_BYTES, ...init }: RequestInit): Promise<EdgeAnswer> {
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const compress = !LOCAL.test(url.hostname);
    const response = await fetch(url, {
      redirect: "error",
      signal,
      compress,
      ...init,
    });
    if (UNAVAILABLE.has(response.status)) throw new Error(`it is not available (${response.status})`);
    const body = response.body ? await gathered(response.body, size) : new Uint8Array();
    if (!body) throw new Error(`its answer has more than ${size} bytes`);
    return { status: response.status, body, header: (name) => response.headers.get(name) };
  } catch (cause) {
    throw new RebootlessError("unreachable", `${url.href} did not answer`, { cause });
  }
}

/** Makes an error of the reason that the edge gave. */
export function refusedByEdge(
  { status, body }: Pick<EdgeAnswer, "status" | "body">,
  what: string,
): RebootlessError {
  const error = errorOf(body);
  const text = (name: string) => {
    const value = error?.get(name);
    return typeof value === "string" ? excerpt(value, MAX_REASON) : undefined;
  };
  const hint = text("hint");
  return new RebootlessError(
    status === 409 ? "conflict" : "refused",
    `the edge refused ${what} (${status}): ${text("message") ?? "it gave no reason"}`,
    hint === undefined ? {} : { hint },
  );
}

function errorOf(body: Uint8Array): JsonObject | undefined {
  try {
    const answer = parseJson(body, "answer", MAX_SMALL_VALUES);
    const error = isJsonObject(answer) ? answer.get("error") : undefined;
    return isJsonObject(error) ? error : undefined;
  } catch {
    return undefined; // for example the page of a proxy: only the status is known
  }
}
