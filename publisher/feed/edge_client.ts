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

/** Every answer of the edge to a publisher is small, but a bundle. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Characters of a reason that are shown: whoever runs the edge chooses them. */
const MAX_REASON = 1000;
const DEADLINE_MS = 120_000;
/** What stands before the edge got no answer from it. */
const UNAVAILABLE: ReadonlySet<number> = new Set([502, 503, 504]);
/** A publisher past its limits waits as it is told, this often and each time this long at the most. */
const MAX_WAITS = 5;
const MAX_WAIT_SECONDS = 60;

/** Where there is no line between that compression would spare. */
const LOCAL = /^(?:localhost|127\.[0-9.]+|\[::1\])$/;

export interface EdgeAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  /** By name, in lower case. */
  readonly header: (name: string) => string | null;
}

/** Speaks to the edge. Throws `unreachable`; what the edge answers is the caller's to judge. */
export interface EdgeClient {
  /** @param etag of what is held already: 304 says that it is the newest. */
  get(path: string, maxBytes: number, etag?: string): Promise<EdgeAnswer>;
  /** With a token for just this request; again when the edge said when. @param maxBytes of the answer. */
  send(scope: TokenScope, maxBytes?: number): Promise<EdgeAnswer>;
}

type EdgeReader = Pick<EdgeClient, "get">;

/** @param base the feed's address, with a slash at its end. */
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

/** Milliseconds, or undefined where it is not to be tried again. */
function waitOf({ status, header }: EdgeAnswer): number | undefined {
  const seconds = /^\d{1,4}$/.test(header("retry-after") ?? "") ? Number(header("retry-after")) : undefined;
  return status === 429 && seconds !== undefined && seconds <= MAX_WAIT_SECONDS ? seconds * 1000 : undefined;
}

/** For who has no token, and needs none to read. */
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

/** The edge's reason, as an error of ours. */
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
    return undefined; // a proxy's page, say: the status has to do
  }
}
