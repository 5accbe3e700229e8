import fetch, { type RequestInit } from "node-fetch";
import { RebootlessError } from "../../shared/errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../shared/json.ts";
import type { Clock } from "../../shared/time.ts";
import { makeToken, type TokenScope } from "./token.ts";
import type { Workspace } from "./workspace.ts";

/** Every answer of the edge to a publisher is small, but a bundle. */
const MAX_ANSWER_BYTES = 64 * 1024;
const DEADLINE_MS = 120_000;

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Speaks to the edge. Throws `unreachable`; what the edge answers is the caller's to judge. */
export interface EdgeClient {
  /** @param etag of what is held already: 304 says that it is the newest. */
  get(path: string, maxBytes: number, etag?: string): Promise<Answer>;
  /** With a token for just this request. */
  send(scope: TokenScope): Promise<Answer>;
}

type EdgeReader = Pick<EdgeClient, "get">;

/** @param base the feed's address, with a slash at its end. */
export function edgeClient(base: string, workspace: Workspace, clock: Clock): EdgeClient {
  return {
    ...edgeReader(base),
    async send(scope) {
      const authorization = `Bearer ${await makeToken(workspace, scope, clock)}`;
      return call(new URL(scope.path.slice(1), base), {
        method: scope.method,
        body: Buffer.from(scope.body),
        headers: { authorization, "content-type": "application/octet-stream" },
      });
    },
  };
}

/** For who has no token, and needs none to read. */
export const edgeReader = (base: string): EdgeReader => ({
  get: (path, maxBytes, etag) =>
    call(new URL(path, base), { size: maxBytes, ...(etag && { headers: { "if-none-match": etag } }) }),
});

async function call(url: URL, init: RequestInit): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const response = await fetch(url, { redirect: "error", size: MAX_ANSWER_BYTES, signal, ...init });
    return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
  } catch (cause) {
    throw new RebootlessError("unreachable", `${url.href} did not answer`, { cause });
  }
}

/** The edge's reason, as an error of ours. */
export function refusal({ status, body }: Answer, what: string): RebootlessError {
  const error = errorOf(body);
  const text = (name: string) => (typeof error?.get(name) === "string" ? String(error.get(name)) : undefined);
  const hint = text("hint");
  return new RebootlessError(
    status === 409 ? "conflict" : "refused",
    `the edge refused ${what} (${status}): ${text("message") ?? "it gave no reason"}`,
    hint === undefined ? {} : { hint },
  );
}

function errorOf(body: Uint8Array): JsonObject | undefined {
  try {
    const answer = parseJson(body, "answer");
    const error = isJsonObject(answer) ? answer.get("error") : undefined;
    return isJsonObject(error) ? error : undefined;
  } catch {
    return undefined; // a proxy's page, say: the status has to do
  }
}
