import { createHmac, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { publicJwk } from "../../../publisher/keys/jwk.ts";
import { newKey } from "../../../publisher/keys/key_file.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { MAX_TOKEN_AGE_SECONDS, TOKEN_TYPE } from "../../../shared/feed/publication.ts";
import { SECOND, systemClock } from "../../../shared/time.ts";
import { type Answer, errorOf, startWorkerd, type Workerd } from "../../support/edge/edge.ts";
import {
  AUDIENCE,
  type Ceremony,
  ceremony,
  PUBLISHER,
  secrets,
  type TokenOptions,
  tokenFor,
} from "../../support/edge/repository.ts";

let made: Ceremony;
let edge: Workerd;
const BODY = utf8("an artifact");
let path: string;

beforeAll(async () => {
  made = await ceremony();
  edge = await startWorkerd(secrets(made));
  path = `/staging/${sha256Of(BODY)}`;
});
afterAll(() => edge.miniflare.dispose());

const seconds = () => Math.floor(systemClock() / SECOND);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

async function knock(token: string | undefined, body = BODY, at = path): Promise<Answer> {
  const headers = token === undefined ? {} : { Authorization: token };
  return edge.send("PUT", at, { body, headers });
}

async function bearer(options: TokenOptions = {}, method = "PUT", at = path, body = BODY): Promise<string> {
  return `Bearer ${await tokenFor(made, method, at, body, options)}`;
}

async function expectTurnedAway(answer: Answer, message: RegExp): Promise<void> {
  expect([answer.status, errorOf(answer).code]).toEqual([401, "not_permitted"]);
  expect(errorOf(answer).message).toMatch(message);
  expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const bucket = await edge.miniflare.getR2Bucket("FEED");
  expect((await bucket.list()).objects).toHaveLength(0);
}

const CLAIMS: readonly (readonly [string, () => TokenOptions, RegExp])[] = [
  ["expired", () => ({ claims: { iat: seconds() - 200, exp: seconds() - 100 } }), /expired/],
  ["not yet valid", () => ({ claims: { iat: seconds() + 200, exp: seconds() + 260 } }), /iat/],
  ["not yet valid by its nbf", () => ({ claims: { nbf: seconds() + 200 } }), /nbf/],
  ["too long-lived", () => ({ claims: { exp: seconds() + MAX_TOKEN_AGE_SECONDS + 1 } }), /life/],
  ["ending before it began", () => ({ claims: { iat: seconds(), exp: seconds() - 1 } }), /life/],
  ["for another audience", () => ({ claims: { aud: "elsewhere" } }), /aud/],
  ["of another issuer", () => ({ claims: { iss: "somebody" } }), /iss/],
  ["bound to another method", () => ({ claims: { htm: "POST" } }), /another request/],
  ["bound to another path", () => ({ claims: { htu: "/root" } }), /another request/],
  ["with a short jti", () => ({ claims: { jti: "1" } }), /jti/],
  ["with a bsh that is none", () => ({ claims: { bsh: "x" } }), /bsh/],
  ["of another type", () => ({ header: { typ: "JWT" } }), /typ/],
  ...["iss", "aud", "iat", "exp", "jti", "htm", "htu", "bsh"].map(
    (claim) => [`without ${claim}`, () => ({ claims: { [claim]: null } }), new RegExp(claim)] as const,
  ),
];

describe("a token that does not open the door", () => {
  it.each(CLAIMS)("%s", async (_, options, message) => {
    await expectTurnedAway(await knock(await bearer(options())), message);
  });

  it("made for another body", async () => {
    await expectTurnedAway(await knock(await bearer(), utf8("another body")), /another body/);
  });

  it.each<readonly [string, () => Promise<string | undefined>, RegExp]>([
    ["none", async () => undefined, /needed/],
    ["empty", async () => "", /needed|bearer/],
    ["of another scheme", async () => "Basic ZGVtbzpkZW1v", /bearer/],
    ["that is not a JWT", async () => "Bearer abc", /bearer/],
    ["huge", async () => `Bearer ${"a".repeat(6000)}.b.c`, /bearer/],
    ["that is noise", async () => "Bearer a.b.c", /does not verify/],
    ["of an unknown publisher", async () => bearer({ header: { kid: "constructor" } }), /does not verify/],
    ["signed with another key", async () => bearer({ key: await newKey() }), /does not verify/],
    ["with alg none", async () => `Bearer ${await unsigned()}`, /does not verify|bearer/],
    ["with alg none and a signature", async () => `Bearer ${await unsigned()}AA`, /does not verify/],
    ["HS256 under the public key", async () => `Bearer ${await confused()}`, /does not verify/],
  ])("%s", async (_, token, message) => {
    await expectTurnedAway(await knock(await token()), message);
  });
});

async function claims(): Promise<string> {
  const iat = seconds();
  const bsh = sha256Of(BODY);
  const jti = randomBytes(16).toString("hex");
  return encode({ iss: PUBLISHER, aud: AUDIENCE, iat, exp: iat + 60, jti, htm: "PUT", htu: path, bsh });
}

const unsigned = async () => `${encode({ alg: "none", typ: TOKEN_TYPE, kid: PUBLISHER })}.${await claims()}.`;

/** The attack: a verifier that takes the public key's bytes for a shared secret. */
async function confused(): Promise<string> {
  const input = `${encode({ alg: "HS256", typ: TOKEN_TYPE, kid: PUBLISHER })}.${await claims()}`;
  const secret = Buffer.from(publicJwk(made.door).x ?? "", "base64url");
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

describe("a token that opens the door", () => {
  it("opens it once", async () => {
    const token = await bearer();
    const answers = await Promise.all(Array.from({ length: 5 }, () => knock(token)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 401, 401, 401, 401]);
    const again = await knock(token);
    expect([again.status, errorOf(again).message]).toEqual([401, "the token was used before"]);
  });

  it("is not spent on a body that it is not for", async () => {
    const token = await bearer();
    expect((await knock(token, utf8("another body"))).status).toBe(401);
    expect((await knock(token)).status).toBe(200);
  });
});
