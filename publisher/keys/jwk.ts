import { createPublicKey } from "node:crypto";
import type { JWK } from "jose";
import { fromHex } from "../../shared/bytes.ts";
import type { SigningKey } from "./key_file.ts";
import { P256 } from "./public_key.ts";

/** Writes a public key in the form of JOSE and WebCrypto (RFC 8037; for P-256, RFC 7518). */
export const publicJwk = ({ key }: Pick<SigningKey, "key">): JWK =>
  key.scheme === P256.scheme
    ? (createPublicKey(key.public).export({ format: "jwk" }) as JWK)
    : { kty: "OKP", crv: "Ed25519", x: Buffer.from(fromHex(key.public)).toString("base64url") };

/** Writes a key in the same form with its secret. */
export const privateJwk = (key: SigningKey): JWK => ({
  ...publicJwk(key),
  d: Buffer.from(key.seed).toString("base64url"),
});
