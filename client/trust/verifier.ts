import { ecdsaP256 } from "../../shared/crypto/ecdsa_p256.ts";
import { ed25519 } from "../../shared/crypto/ed25519_tweetnacl.ts";
import { rsaPss } from "../../shared/crypto/rsa_pss.ts";
import { signatureVerifier } from "../../shared/tuf/keys.ts";

/**
 * The signatures that a host takes: every scheme of the TUF specification. Node sets WebCrypto up when it is first
 * used, so a feed signed with Ed25519 alone pays nothing for the other two.
 */
export const verify = signatureVerifier({
  ed25519,
  "ecdsa-sha2-nistp256": ecdsaP256,
  "rsassa-pss-sha256": rsaPss,
});
