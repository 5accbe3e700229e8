import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { Ed25519BackEnd } from "../../shared/crypto/ed25519_webcrypto.ts";

const OKP = { kty: "OKP", crv: "Ed25519" } as const;

/** The OpenSSL of Node, at once and in this thread. */
export const nodeEd25519: Ed25519BackEnd = {
  verifier: (publicKey) => {
    const x = Buffer.from(publicKey).toString("base64url");
    const key = createPublicKey({ key: { ...OKP, x }, format: "jwk" });
    return (message, signature) => verify(null, message, key, signature);
  },
  signer: ({ x, d }) => {
    const key = createPrivateKey({ key: { ...OKP, x, d }, format: "jwk" });
    return (message) => new Uint8Array(sign(null, message, key));
  },
};
