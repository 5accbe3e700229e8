import { sha256Of } from "../../node/crypto.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import type { Instant } from "../../shared/time.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import { trustedFrom } from "../keys/root.ts";
import { checkRootRequest } from "./check_root_request.ts";
import { checkTargetsRequest } from "./check_targets_request.ts";
import type { CheckedRequest } from "./checked_request.ts";
import type { SigningRequest } from "./signing_request.ts";

/**
 * Checks a request that others made. The root it builds on has to follow, version by version, from the root
 * that the signer holds. Otherwise signers could be tricked into signing for another feed, or on top of an
 * older state of this one.
 *
 * @param held the signer's root; undefined for a signer who holds none, which is accepted only for the first
 *   root.
 */
export async function checkRequest(
  request: SigningRequest,
  held: Uint8Array | undefined,
  now: Instant,
): Promise<CheckedRequest> {
  const base = await rootInForce(request.roots, held);
  return request.kind === "root"
    ? checkRootRequest(request, base, now)
    : checkTargetsRequest(request, base, now);
}

/** Follows the chain from the signer's root to the one that the request says is in force. */
async function rootInForce(
  roots: readonly Uint8Array[],
  held: Uint8Array | undefined,
): Promise<Root | undefined> {
  if (roots.length === 0 && !held) return undefined;
  if (!held) {
    throw new RebootlessError(
      "config",
      "the request builds on a root of trust, but you gave none to check it against",
      {
        hint: "Give the newest root you have and trust with --root FILE.",
      },
    );
  }
  const at = roots.findIndex((root) => equalBytes(root, held));
  if (at < 0) throw await foreign(held);
  const set = await trustedFrom(held);
  for (const root of roots.slice(at + 1)) await followed(() => set.updateRoot(root));
  return set.root;
}

async function foreign(held: Uint8Array): Promise<RebootlessError> {
  const { version } = (await trustedFrom(held)).root;
  const yours = `version ${version}, sha256 ${sha256Of(held)}`;
  return new RebootlessError("trust", `the request does not build on the root you hold (${yours})`, {
    hint: "It is for another feed, or older than your root. Ask the sender, through another channel than the one the file came by.",
  });
}

async function followed(update: () => Promise<unknown>): Promise<void> {
  try {
    await update();
  } catch (cause) {
    if (!isCode(cause, "trust") && !isCode(cause, "rollback") && !isCode(cause, "parse")) throw cause;
    throw new RebootlessError("trust", `the request's chain of roots is not valid: ${cause.message}`);
  }
}
