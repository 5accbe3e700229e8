import type { Sha256Hex } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { SECOND } from "../../shared/time.ts";
import { closedDoor } from "../config.ts";
import type { AppDeps } from "../deps.ts";
import { readBody } from "../http/body.ts";
import { problem } from "../http/problem.ts";
import type { LimitName } from "../publish/limits.ts";
import { verifyToken } from "../publish/token.ts";

/** What a request is admitted by. */
export type AdmitDeps = Pick<AppDeps, "faults" | "publishers" | "audience" | "limits" | "ledger" | "clock">;

export type Admission =
  | {
      readonly kind: "admitted";
      readonly publisher: string;
      /** The id of the token, which is spent. */
      readonly token: string;
      readonly body: Uint8Array;
      /** Of the body. */
      readonly sha256: Sha256Hex;
    }
  | { readonly kind: "turned_away"; readonly answer: Response };

/**
 * The door: the token first, so that nobody without one makes the edge read a body; then the body it is bound
 * to; and only when all is well is the token spent and one of the publisher's limit
 * taken: nobody without a token of theirs can use up what publishers may do.
 *
 * @param limit what this counts as. @param max bytes of body; throws `limit` past it.
 */
export async function admit(
  request: Request,
  deps: AdmitDeps,
  limit: LimitName,
  max: number,
): Promise<Admission> {
  const closed = closedDoor(deps);
  if (closed)
    return { kind: "turned_away", answer: problem(500, { code: "config", message: closed.message }) };
  const verdict = await verifyToken(request.headers.get("Authorization") ?? undefined, {
    publishers: deps.publishers,
    audience: deps.audience,
    now: deps.clock(),
    method: request.method,
    path: new URL(request.url).pathname,
  });
  if (verdict.kind === "invalid") return turnedAway(verdict.message);
  const body = await readBody(request, max);
  if ((await sha256Of(body)) !== verdict.body) return turnedAway("the token is for another body");
  const { publisher, tokenId: id, until } = verdict;
  const spent = await deps.ledger.spend({ publisher, id, until }, limit, deps.limits[limit]);
  if (spent.kind === "used") return turnedAway("the token was used before");
  if (spent.kind === "over_limit") return tooMany(limit, spent.wait);
  return { kind: "admitted", publisher, token: id, body, sha256: verdict.body };
}

function turnedAway(message: string): Admission {
  const challenge = { "WWW-Authenticate": 'Bearer realm="rebootless", error="invalid_token"' };
  return { kind: "turned_away", answer: problem(401, { code: "not_permitted", message }, challenge) };
}

/** RFC 6585, 4. */
function tooMany(limit: LimitName, wait: number): Admission {
  const seconds = String(Math.ceil(wait / SECOND));
  const message = `more than this publisher may ${limit}: again in ${counted(Number(seconds), "second")}`;
  return {
    kind: "turned_away",
    answer: problem(429, { code: "limit", message }, { "Retry-After": seconds }),
  };
}
