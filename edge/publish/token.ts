import { errors, type JWTVerifyResult, jwtVerify } from "jose";
import { isSha256Hex, type Sha256Hex } from "../../shared/brand.ts";
import { MAX_TOKEN_AGE_SECONDS, TOKEN_TYPE } from "../../shared/feed/publication.ts";
import { type Instant, instant, SECOND } from "../../shared/time.ts";
import { MAX_DOOR_KEYS, type Publishers } from "./publishers.ts";

/** What a token must have been made for. */
export interface Expected {
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
      /** Of the body that the token is for; to be compared by the caller, who reads the body only now. */
      readonly body: Sha256Hex;
      /** After this it is refused anyway. */
      readonly until: Instant;
    }
  | { readonly kind: "invalid"; readonly message: string };

/** Clocks of publishers may be off by this much. */
const CLOCK_SKEW_SECONDS = 30;
const BEARER = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;
/** Claims of ours take some 400 bytes. */
const MAX_HEADER = 4096;

/**
 * Judges the Authorization header of a request (publication.ts says what a token holds). Until the signature
 * has verified, every fault has the same answer.
 */
export async function verifyToken(header: string | undefined, expected: Expected): Promise<TokenVerdict> {
  if (header === undefined) return invalid("a publisher's token is needed");
  const token = header.length <= MAX_HEADER ? BEARER.exec(header)?.[1] : undefined;
  if (token === undefined) return invalid("the Authorization header is not a bearer token");
  try {
    return await judge(token, expected);
  } catch (error) {
    return invalid(complaint(error));
  }
}

async function judge(token: string, expected: Expected): Promise<TokenVerdict> {
  const { payload, protectedHeader } = await verified(token, expected);
  const { iss, iat = 0, exp = 0, jti, htm, htu, bsh } = payload;
  if (iss === undefined || iss !== protectedHeader.kid) return invalid("the token's iss is not its kid");
  if (exp <= iat || exp - iat > MAX_TOKEN_AGE_SECONDS) {
    return invalid(`the token's life is not within ${MAX_TOKEN_AGE_SECONDS} seconds`);
  }
  if (typeof jti !== "string" || !/^[\x21-\x7e]{16,128}$/.test(jti)) {
    return invalid("the token's jti is not 16 to 128 characters");
  }
  if (htm !== expected.method || htu !== expected.path) return invalid("the token is for another request");
  if (typeof bsh !== "string" || !isSha256Hex(bsh)) return invalid("the token's bsh is not a SHA-256");
  const until = instant((exp + CLOCK_SKEW_SECONDS) * SECOND);
  return { kind: "valid", publisher: iss, tokenId: jti, body: bsh, until };
}

/** By one of the keys of the publisher that the token names; which of them, it does not say. */
async function verified(token: string, expected: Expected): Promise<JWTVerifyResult> {
  for (let i = 0; i < MAX_DOOR_KEYS; i++) {
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

/** jose looks at claims only after the signature verified: whoever reads about a claim holds the key. */
function complaint(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `the token's ${error.claim} is ${error.reason === "missing" ? "missing" : "not acceptable"}`;
  }
  if (error instanceof errors.JOSEError) return "the token does not verify";
  throw error;
}

const invalid = (message: string): TokenVerdict => ({ kind: "invalid", message });
