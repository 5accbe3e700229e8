import { strictEd25519 } from "./ed25519.ts";

/**
 * For hosts and publishers: one small audited implementation, the same on every Node. Loaded with the first
 * signature: most polls of a host verify none.
 */
export const ed25519 = strictEd25519(async (publicKey, message, signature) => {
  const { default: nacl } = await import("tweetnacl");
  return nacl.sign.detached.verify(message, signature, publicKey);
});
