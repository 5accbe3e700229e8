import type { Cryptography } from "../crypto/cryptography.ts";
import type { Digests } from "../crypto/digests.ts";
import { ecdsaP256 } from "../crypto/ecdsa_p256.ts";
import { rsaPss } from "../crypto/rsa_pss.ts";
import { type SignatureVerifier, signatureVerifier } from "./keys.ts";

/** What the client workflow computes with. */
export interface Verifier {
  readonly digests: Digests;
  readonly verify: SignatureVerifier;
}

type Parts = Pick<Cryptography, "digests" | "ed25519">;

/** Makes what hosts and mirrors verify with: every scheme of the TUF specification. WebCrypto does ECDSA and RSA. */
export const hostVerifier = ({ digests, ed25519 }: Parts): Verifier => ({
  digests,
  verify: signatureVerifier({
    ed25519,
    "ecdsa-sha2-nistp256": ecdsaP256,
    "rsassa-pss-sha256": rsaPss,
  }),
});

/**
 * Makes what the edge verifies with, and publishers too, so that nothing is signed which the edge then refuses: the keys
 * that rebootless makes, and those of hardware that knows no Ed25519.
 */
export const edgeVerifier = ({ digests, ed25519 }: Parts): Verifier => ({
  digests,
  verify: signatureVerifier({ ed25519, "ecdsa-sha2-nistp256": ecdsaP256 }),
});
