import { strictEd25519 } from "./ed25519.ts";

/**
 * Verifies with tweetnacl: small, audited, in JavaScript, so it shares no code with OpenSSL. It is loaded with the first
 * signature, because most runs verify none with it.
 */
export const ed25519 = strictEd25519(async (publicKey, message, signature) => {
  const { default: nacl } = await import("tweetnacl");
  return nacl.sign.detached.verify(message, signature, publicKey);
});
