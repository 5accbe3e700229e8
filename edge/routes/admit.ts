import { sha256Of } from "../../shared/crypto/digest.ts";
import type { AppDeps } from "../app.ts";
import { readBody } from "../http/body.ts";
import { problem } from "../http/problem.ts";
import { verifyToken } from "../publish/token.ts";

export type Admission =
  | { readonly kind: "admitted"; readonly publisher: string; readonly body: Uint8Array }
  | { readonly kind: "turned_away"; readonly answer: Response };

/**
 * The door: the token first, so that nobody without one makes the edge read a body; then the body it is bound
 * to; and only when all is well is the token spent.
 *
 * @param max bytes of body; throws `limit` past it.
 */
export async function admit(request: Request, deps: AppDeps, max: number): Promise<Admission> {
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
  if (!(await deps.ledger.spend(verdict.publisher, verdict.tokenId, verdict.until))) {
    return turnedAway("the token was used before");
  }
  return { kind: "admitted", publisher: verdict.publisher, body };
}

function turnedAway(message: string): Admission {
  const challenge = { "WWW-Authenticate": 'Bearer realm="rebootless", error="invalid_token"' };
  return { kind: "turned_away", answer: problem(401, { code: "not_permitted", message }, challenge) };
}
