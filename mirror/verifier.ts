import { ecdsaP256 } from "../shared/crypto/ecdsa_p256.ts";
import { ed25519 } from "../shared/crypto/ed25519_webcrypto.ts";
import { rsaPss } from "../shared/crypto/rsa_pss.ts";
import { signatureVerifier } from "../shared/tuf/keys.ts";

/** As a host's, but native: a mirror verifies a hundred thousand signatures where a host verifies five. */
export const verify = signatureVerifier({
  ed25519,
  "ecdsa-sha2-nistp256": ecdsaP256,
  "rsassa-pss-sha256": rsaPss,
});
