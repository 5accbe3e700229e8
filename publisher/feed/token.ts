import { randomUUID } from "node:crypto";
import { importJWK, SignJWT } from "jose";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { MAX_TOKEN_AGE_SECONDS, TOKEN_TYPE } from "../../shared/feed/publication.ts";
import type { Clock } from "../../shared/time.ts";
import { privateJwk } from "../keys/jwk.ts";
import { tokenKey, type Workspace } from "./workspace.ts";

/** A request that a token is good for: no other method, path or body. */
export interface TokenScope {
  readonly method: "GET" | "PUT" | "POST";
  /** With its leading slash. A query is not what a token is for. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** A JWT for one request (shared/feed/publication.ts): it opens the edge's door, and proves nothing to hosts. */
export async function makeToken(workspace: Workspace, scope: TokenScope, clock: Clock): Promise<string> {
  const key = await importJWK(privateJwk(await tokenKey(workspace)), "EdDSA");
  const now = Math.floor(clock() / 1000);
  return new SignJWT({ htm: scope.method, htu: scope.path.split("?")[0], bsh: await sha256Of(scope.body) })
    .setProtectedHeader({ alg: "EdDSA", typ: TOKEN_TYPE, kid: workspace.publisher })
    .setIssuer(workspace.publisher)
    .setAudience(workspace.audience)
    .setIssuedAt(now)
    .setExpirationTime(now + MAX_TOKEN_AGE_SECONDS / 5)
    .setJti(randomUUID())
    .sign(key);
}
