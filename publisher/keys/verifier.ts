import { ed25519 } from "../../node/ed25519.ts";
import { ecdsaP256 } from "../../shared/crypto/ecdsa_p256.ts";
import { type SignatureVerifier, signatureVerifier } from "../../shared/tuf/keys.ts";

/** What the edge takes too: the keys that this program makes, and those of hardware that knows no Ed25519. */
export const verifySignature: SignatureVerifier = signatureVerifier({
  ed25519,
  "ecdsa-sha2-nistp256": ecdsaP256,
});
