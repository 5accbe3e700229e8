import { Readable } from "node:stream";
import type { FetchError, Response } from "node-fetch";
import { RebootlessError } from "../../shared/errors.ts";

/** What came back for a path of the feed. */
export type Fetched =
  | { readonly status: "ok"; readonly bytes: Uint8Array; readonly etag: string | undefined }
  | { readonly status: "not_modified" }
  | { readonly status: "not_found" };

export interface FetchLimits {
  /** The answer's cap, counted as it arrives. */
  readonly maxBytes: number;
  /** Asks for the file only if it is not the one that had this tag. */
  readonly etag?: string | undefined;
  /** How long all of the answer may take, where that is more than for metadata. */
  readonly deadlineMs?: number;
}

/** A feed to read from. Throws `unreachable` for everything but the file, "not modified" and "not found". */
export interface Feed {
  readonly url: string;
  get(path: string, limits: FetchLimits): Promise<Fetched>;
  /** What this run has cost so far. */
  readonly traffic: Traffic;
}

export interface Traffic {
  readonly requests: number;
  /** Of bodies, decoded. */
  readonly bytes: number;
}

/** From connecting to the last byte: a server that trickles is cut off here. */
const DEADLINE_MS = 30_000;

/** @param url base of the feed, ending in a slash. node-fetch is loaded at the first request, not at start-up. */
export function httpFeed(url: string, deadlineMs: number = DEADLINE_MS): Feed {
  const traffic = { requests: 0, bytes: 0 };
  return {
    url,
    traffic,
    async get(path, limits) {
      traffic.requests++;
      const response = await request(new URL(path, url), { deadlineMs, ...limits });
      if (response.status !== 200) discard(response);
      if (response.status === 304 && limits.etag !== undefined) return { status: "not_modified" };
      if (response.status === 404) return { status: "not_found" };
      if (response.status !== 200) throw unreachable(response.url, `answered ${response.status}`);
      const bytes = await body(response);
      traffic.bytes += bytes.length;
      return { status: "ok", bytes, etag: response.headers.get("etag") ?? undefined };
    },
  };
}

async function request(
  url: URL,
  { maxBytes, etag, deadlineMs }: FetchLimits & { readonly deadlineMs: number },
): Promise<Response> {
  const { default: fetch } = await import("node-fetch");
  try {
    return await fetch(url, {
      size: Math.max(1, maxBytes), // node-fetch takes 0 for "no limit"
      redirect: "error",
      signal: AbortSignal.timeout(deadlineMs),
      headers: { "user-agent": "rebootless", ...(etag === undefined ? {} : { "if-none-match": etag }) },
    });
  } catch (cause) {
    throw unreachable(url.href, "did not answer", cause);
  }
}

/** A body that nobody reads would hold its connection, and with it this process. */
function discard({ body }: Response): void {
  if (body instanceof Readable) body.destroy();
}

async function body(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    const oversize = (cause as Partial<FetchError>).type === "max-size";
    throw unreachable(
      response.url,
      oversize ? "sent more than the file may have" : "broke off in its answer",
      cause,
    );
  }
}

function unreachable(url: string, problem: string, cause?: unknown): RebootlessError {
  return new RebootlessError("unreachable", `${url} ${problem}`, {
    cause,
    hint: "Nothing was changed; what is applied stays applied. Check the feed's address and the network.",
  });
}
