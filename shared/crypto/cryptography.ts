import type { Digests } from "./digests.ts";
import type { Ed25519Verify } from "./ed25519.ts";

/** What computes digests and Ed25519: WebCrypto (web_crypto.ts) or, on Node, OpenSSL (node/crypto.ts). */
export interface Cryptography {
  readonly digests: Digests;
  /** Verifies by the strict rule (ed25519.ts). */
  readonly ed25519: Ed25519Verify;
  /** Opens a secret key. Throws for what is not one; the error may quote it. */
  readonly ed25519Signer: (key: SecretJwk) => Signer | Promise<Signer>;
}

/** The members of an Ed25519 secret key (RFC 8037), in base64url. */
export interface SecretJwk {
  /** The public key. */
  readonly x: string;
  /** The secret. */
  readonly d: string;
}

/** Returns the 64 bytes of an Ed25519 signature. They are a function of key and message (RFC 8032 section 5.1.6). */
export type Signer = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;
