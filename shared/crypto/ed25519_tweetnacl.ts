import nacl from "tweetnacl";
import { strictEd25519 } from "./ed25519.ts";

/** For hosts and publishers: one small audited implementation, the same on every Node. */
export const ed25519 = strictEd25519((publicKey, message, signature) =>
  nacl.sign.detached.verify(message, signature, publicKey),
);

/** @param seed 32 bytes of secret. Returns the signature's 64 bytes. */
export const ed25519Sign = (seed: Uint8Array, message: Uint8Array): Uint8Array =>
  nacl.sign.detached(message, nacl.sign.keyPair.fromSeed(seed).secretKey);

/** @param seed 32 bytes of secret. Returns the public key's 32 bytes. */
export const ed25519Public = (seed: Uint8Array): Uint8Array => nacl.sign.keyPair.fromSeed(seed).publicKey;
