import { ecdsaP256 } from "../shared/crypto/ecdsa_p256.ts";
import { rsaPss } from "../shared/crypto/rsa_pss.ts";
import { type SignatureVerifier, signatureVerifier } from "../shared/tuf/keys.ts";
import { ed25519 } from "./crypto.ts";

/** The signatures that hosts and mirrors take: every scheme of the TUF specification. */
export const verifyAnyScheme: SignatureVerifier = signatureVerifier({
  ed25519,
  "ecdsa-sha2-nistp256": ecdsaP256,
  "rsassa-pss-sha256": rsaPss,
});

/** What publishers take, which is what the edge takes: the keys that rebootless makes, and those of hardware that knows no Ed25519. */
export const verifyPublished: SignatureVerifier = signatureVerifier({
  ed25519,
  "ecdsa-sha2-nistp256": ecdsaP256,
});
