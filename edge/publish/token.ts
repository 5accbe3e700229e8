import { errors, type JWTVerifyResult, jwtVerify } from "jose";
import { isSha256Hex, type Sha256Hex } from "../../shared/brand.ts";
import { MAX_TOKEN_AGE_SECONDS, TOKEN_TYPE } from "../../shared/feed/publication.ts";
import { type Instant, instant, SECOND } from "../../shared/time.ts";
import { MAX_TOKEN_KEYS, type Publishers } from "./publishers.ts";

/** The request that a token is checked against: it must have been made for this very request. */
export interface TokenExpectation {
  readonly publishers: Publishers;
  readonly audience: string;
  readonly now: Instant;
  readonly method: string;
  readonly path: string;
}

export type TokenVerdict =
  | {
      readonly kind: "valid";
      readonly publisher: string;
      readonly tokenId: string;
      /** The digest of the body that the token was made for. The caller reads the body only now, and compares. */
      readonly body: Sha256Hex;
      /** The time from which on the token is refused for its age. */
      readonly until: Instant;
    }
  | { readonly kind: "invalid"; readonly message: string };

/** The number of seconds by which the clock of a publisher may be off. */
const CLOCK_SKEW_SECONDS = 30;
const BEARER = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;
/** The longest header. The claims take about 400 bytes. */
const MAX_HEADER = 4096;

/**
 * Verifies the Authorization header of a request (shared/feed/publication.ts says what a token holds). As long as the
 * signature has not verified, every fault of the token has the same message.
 */
export async function verifyToken(
  header: string | undefined,
  expected: TokenExpectation,
): Promise<TokenVerdict> {
  if (header === undefined) return invalid("a publisher's token is needed");
  const token = header.length <= MAX_HEADER ? BEARER.exec(header)?.[1] : undefined;
  if (token === undefined) return invalid("the Authorization header is not a bearer token");
  try {
    return await verifyClaims(token, expected);
  } catch (error) {
    return invalid(messageOf(error));
  }
}

async function verifyClaims(token: string, expected: TokenExpectation): Promise<TokenVerdict> {
  const { payload, protectedHeader } = await verifySignature(token, expected);
  const { iss, iat = 0, exp = 0, jti, htm, htu, bsh } = payload;
  if (iss === undefined || iss !== protectedHeader.kid) return invalid("the token's iss is not its kid");
  if (exp <= iat || exp - iat > MAX_TOKEN_AGE_SECONDS) {
    return invalid(`the token's lifetime must be 1 to ${MAX_TOKEN_AGE_SECONDS} seconds`);
  }
  if (typeof jti !== "string" || !/^[\x21-\x7e]{16,128}$/.test(jti)) {
    return invalid("the token's jti is not 16 to 128 characters");
  }
  if (htm !== expected.method || htu !== expected.path) return invalid("the token is for another request");
  if (typeof bsh !== "string" || !isSha256Hex(bsh)) return invalid("the token's bsh is not a SHA-256");
  const until = instant((exp + CLOCK_SKEW_SECONDS) * SECOND);
  return { kind: "valid", publisher: iss, tokenId: jti, body: bsh, until };
}

/**
 * Verifies a token with the keys of the publisher that it names, one after the other: a token does not say
 * which key it was signed with.
 */
async function verifySignature(token: string, expected: TokenExpectation): Promise<JWTVerifyResult> {
  for (let i = 0; i < MAX_TOKEN_KEYS; i++) {
    const keyOf = ({ kid }: { kid?: string }) => {
      const key = expected.publishers.byId.get(kid ?? "")?.keys[i];
      if (!key) throw new errors.JWSSignatureVerificationFailed();
      return key;
    };
    try {
      return await jwtVerify(token, keyOf, {
        algorithms: ["EdDSA"],
        typ: TOKEN_TYPE,
        audience: expected.audience,
        requiredClaims: ["iss", "aud", "iat", "exp", "jti", "htm", "htu", "bsh"],
        clockTolerance: CLOCK_SKEW_SECONDS,
        maxTokenAge: MAX_TOKEN_AGE_SECONDS,
        currentDate: new Date(expected.now),
      });
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/**
 * Returns a message about a fault. jose looks at claims only after the signature verified, so only holders of
 * the key are told of claims.
 */
function messageOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `the token's ${error.claim} is ${error.reason === "missing" ? "missing" : "not acceptable"}`;
  }
  if (error instanceof errors.JOSEError) return "the token does not verify";
  throw error;
}

const invalid = (message: string): TokenVerdict => ({ kind: "invalid", message });
