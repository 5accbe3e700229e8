import type { Sha256Hex } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { SECOND } from "../../shared/time.ts";
import { publishingFault } from "../config.ts";
import type { AppDeps } from "../deps.ts";
import { readBody } from "../http/body.ts";
import { problem } from "../http/problem.ts";
import type { LimitName } from "../publish/rate_limits.ts";
import { verifyToken } from "../publish/token.ts";

/** The parts of the edge with which a request is checked. */
export type AdmitDeps = Pick<
  AppDeps,
  "faults" | "publishers" | "audience" | "limits" | "ledger" | "clock" | "digests"
>;

export type Admission =
  | {
      readonly kind: "admitted";
      readonly publisher: string;
      /** The id of the token, which is used up. */
      readonly token: string;
      readonly body: Uint8Array;
      /** The digest of the body. */
      readonly sha256: Sha256Hex;
    }
  | { readonly kind: "rejected"; readonly answer: Response };

/**
 * Authenticates a publisher's request, cheapest check first: (1) the token's signature and claims, so that a
 * caller without a valid token cannot make the edge read a body; (2) the body's size, and that its SHA-256 is
 * the one in the token; (3) that the token is unused and the publisher within its rate limit. Only step 3
 * changes state, so a publisher's limit cannot be used up by anyone else.
 *
 * @param limit the rate limit to charge.
 * @param max the largest body, in bytes.
 * @throws RebootlessError `limit` for a larger body; `parse` for one that is cut off.
 */
export async function admit(
  request: Request,
  deps: AdmitDeps,
  limit: LimitName,
  max: number,
): Promise<Admission> {
  const fault = publishingFault(deps);
  if (fault) return { kind: "rejected", answer: problem(500, { code: "config", message: fault.message }) };
  const token = await verifyToken(request.headers.get("Authorization") ?? undefined, {
    publishers: deps.publishers,
    audience: deps.audience,
    now: deps.clock(),
    method: request.method,
    path: new URL(request.url).pathname,
  });
  if (token.kind === "invalid") return rejected(token.message);
  const body = await readBody(request, max);
  if ((await deps.digests.sha256(body)) !== token.body)
    return rejected("the token was made for another body");
  const { publisher, tokenId: id, until } = token;
  const spent = await deps.ledger.spend({ publisher, id, until }, limit, deps.limits[limit]);
  if (spent.kind === "used") return rejected("the token was used before");
  if (spent.kind === "over_limit") return tooMany(limit, spent.wait);
  return { kind: "admitted", publisher, token: id, body, sha256: token.body };
}

function rejected(message: string): Admission {
  const challenge = { "WWW-Authenticate": 'Bearer realm="rebootless", error="invalid_token"' };
  return { kind: "rejected", answer: problem(401, { code: "not_permitted", message }, challenge) };
}

/** Answers as RFC 6585, 4 says. */
function tooMany(limit: LimitName, wait: number): Admission {
  const seconds = String(Math.ceil(wait / SECOND));
  const message = `the publisher is over its limit for ${limit}: try again in ${counted(Number(seconds), "second")}`;
  return {
    kind: "rejected",
    answer: problem(429, { code: "limit", message }, { "Retry-After": seconds }),
  };
}
