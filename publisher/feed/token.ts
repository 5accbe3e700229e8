import { randomUUID } from "node:crypto";
import { sha256Of } from "../../node/crypto.ts";
import { utf8 } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { MAX_TOKEN_AGE_SECONDS, TOKEN_TYPE } from "../../shared/feed/publication.ts";
import type { Clock } from "../../shared/time.ts";
import { type PublisherFolder, tokenKey } from "./publisher_folder.ts";

/** The one request that a token is valid for: no other method, path or body. */
export interface TokenScope {
  readonly method: "GET" | "PUT" | "POST";
  /** The path with its leading slash. A token does not cover the query. */
  readonly path: string;
  readonly body: Uint8Array;
}

/**
 * Makes a JWT for one request (shared/feed/publication.ts). It authenticates the publisher to the edge and
 * proves nothing to hosts. It is built here, as a JWS in its compact form (RFC 7515 section 7.1), because the
 * key may be one that only a program can sign with.
 */
export async function makeToken(folder: PublisherFolder, scope: TokenScope, clock: Clock): Promise<string> {
  const key = await tokenKey(folder);
  if (key.key.scheme !== "ed25519") {
    throw new RebootlessError(
      "config",
      `the token key is a key of ${key.key.scheme}, but the edge accepts only Ed25519`,
    );
  }
  const now = Math.floor(clock() / 1000);
  const header = { alg: "EdDSA", typ: TOKEN_TYPE, kid: folder.publisher };
  const claims = {
    htm: scope.method,
    htu: scope.path.split("?")[0],
    bsh: sha256Of(scope.body),
    iss: folder.publisher,
    aud: folder.audience,
    iat: now,
    exp: now + MAX_TOKEN_AGE_SECONDS / 5,
    jti: randomUUID(),
  };
  const signed = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join(".");
  return `${signed}.${base64url(await key.sign(utf8(signed)))}`;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
