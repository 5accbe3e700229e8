import nacl from "tweetnacl";

/** @param seed 32 bytes of secret. Returns the signature's 64 bytes. */
export const ed25519Sign = (seed: Uint8Array, message: Uint8Array): Uint8Array =>
  nacl.sign.detached(message, nacl.sign.keyPair.fromSeed(seed).secretKey);

/** @param seed 32 bytes of secret. Returns the public key's 32 bytes. */
export const ed25519Public = (seed: Uint8Array): Uint8Array => nacl.sign.keyPair.fromSeed(seed).publicKey;
