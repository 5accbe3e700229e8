import type { HostVerifiers } from "../../node/verifier.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { feedOfFiles, type VerifiedFeed, verifyFeed } from "../../shared/feed/verified_feed.ts";
import { excerpt } from "../../shared/printable.ts";
import { IGNORE_EXPIRY_UNSAFE } from "../../shared/tuf/expiry.ts";
import type { PublicKey, SignatureVerifier } from "../../shared/tuf/keys.ts";
import { emptyStore, staged } from "../../shared/tuf/staged_store.ts";
import type { Subject } from "./subject.ts";

/*
 * A load cannot be taken back by a later poll. So every Ed25519 signature that leads to a module is verified by two
 * implementations that share no code, and a fault in one of them is not enough to load a forged module. ECDSA and RSA
 * signatures have one implementation here.
 */

/**
 * Verifies a feed once more before a module of it is loaded, by the same workflow over the same bytes: OpenSSL and tweetnacl
 * must agree about each signature. Expiry was checked when the feed was verified first. The signatures of older roots on
 * newer ones are not stored; both implementations verified them when the newer root was new (see `poll`).
 *
 * @throws RebootlessError `trust`.
 */
export async function requireSecondOpinion(
  { buildId, verifiers }: Pick<Subject, "buildId" | "verifiers">,
  { files }: VerifiedFeed,
): Promise<void> {
  if (!verifiers.second) return; // the only verifier has verified the feed already
  const { digests } = verifiers.first;
  await verifyFeed(feedOfFiles(buildId, files), {
    provisionedRoot: files.root,
    // An empty store has no file that could be passed over as damaged, so every refusal is thrown.
    store: staged(emptyStore),
    verifier: { digests, verify: agreeing(verifiers, "no module is loaded") },
    expiry: IGNORE_EXPIRY_UNSAFE,
  });
}

/**
 * Verifies a signature with both verifiers, if there are two.
 *
 * @param outcome says in the error what does not happen.
 * @throws RebootlessError `trust` if they disagree.
 */
export const agreeing =
  ({ first, second }: HostVerifiers, outcome: string): SignatureVerifier =>
  async (key, message, signature) => {
    const good = await first.verify(key, message, signature);
    if (second && (await second.verify(key, message, signature)) !== good) throw disagreement(key, outcome);
    return good;
  };

const disagreement = ({ scheme, public: key }: PublicKey, outcome: string): RebootlessError =>
  new RebootlessError(
    "trust",
    `OpenSSL and tweetnacl disagree about a signature by the ${scheme} key ${excerpt(key)}: ${outcome}`,
    {
      hint: "One of them has a fault, or the signature was made to deceive one of them. Ask the publisher, and report it: the project's SECURITY.md says how.",
      details: { key: excerpt(key) },
    },
  );
