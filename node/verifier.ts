import { fromHex } from "../shared/bytes.ts";
import type { Ed25519Verify } from "../shared/crypto/ed25519.ts";
import { ed25519 as tweetnacl } from "../shared/crypto/ed25519_tweetnacl.ts";
import { edgeVerifier, hostVerifier, type Verifier } from "../shared/tuf/verifier.ts";
import { digests, openSsl } from "./crypto.ts";

/** The verifiers of a host. */
export interface HostVerifiers {
  /** Verifies every poll. */
  readonly first: Verifier;
  /**
   * The verifier that must also agree before a module is loaded. It uses tweetnacl, which shares no code with
   * OpenSSL. It is undefined if OpenSSL has no Ed25519, as in FIPS mode. Then tweetnacl is the first verifier, and
   * there is no other.
   */
  readonly second: Verifier | undefined;
}

/**
 * Chooses the verifiers of a host.
 *
 * @param openssl the Ed25519 of OpenSSL, which may not work.
 */
export function chooseVerifiers(openssl: Ed25519Verify): HostVerifiers {
  const own = hostVerifier({ digests, ed25519: tweetnacl });
  return passesSelfTest(openssl)
    ? { first: hostVerifier({ digests, ed25519: openssl }), second: own }
    : { first: own, second: undefined };
}

let chosen: HostVerifiers | undefined;

/** Returns the verifiers of this process. Which of them is the first is decided once, never by an error later on. */
export function hostVerifiers(): HostVerifiers {
  chosen ??= chooseVerifiers(openSsl.ed25519);
  return chosen;
}

/** Verifies what hosts and mirrors receive, with the first verifier of this process. */
export const nodeVerifier: Verifier = {
  digests,
  verify: (key, message, signature) => hostVerifiers().first.verify(key, message, signature),
};

/** Verifies what publishers receive. They sign with OpenSSL, so there is no alternative to it. */
export const publisherVerifier = edgeVerifier(openSsl);

/** A known key, message and signature: RFC 8032 section 7.1, test 2. */
const KNOWN = {
  publicKey: fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
  message: Uint8Array.of(0x72),
  signature: fromHex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ),
};

/** Tells whether an implementation accepts a known signature, and refuses it for another message. */
function passesSelfTest(verify: Ed25519Verify): boolean {
  const { publicKey, message, signature } = KNOWN;
  try {
    return (
      verify(publicKey, message, signature) === true &&
      verify(publicKey, Uint8Array.of(0x73), signature) === false
    );
  } catch {
    return false;
  }
}
