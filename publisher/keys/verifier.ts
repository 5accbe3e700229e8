import { ed25519 } from "../../shared/crypto/ed25519_tweetnacl.ts";
import { type SignatureVerifier, signatureVerifier } from "../../shared/tuf/keys.ts";

/** The publisher signs with Ed25519, and the edge knows nothing else. */
export const verifySignature: SignatureVerifier = signatureVerifier({ ed25519 });
