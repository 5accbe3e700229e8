import { type SignatureVerifier, signatureVerifier } from "../../shared/tuf/keys.ts";
import { ed25519 } from "./ed25519.ts";

/** The publisher signs with Ed25519, and the edge knows nothing else. */
export const verifySignature: SignatureVerifier = signatureVerifier({ ed25519 });
