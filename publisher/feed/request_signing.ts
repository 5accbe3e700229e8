import { fromHex } from "../../shared/bytes.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type Signature, envelope as toEnvelope } from "../../shared/tuf/metadata.ts";
import type { Envelope } from "../../shared/tuf/schema.ts";
import { type KeySigner, signaturesBy } from "../keys/sign.ts";
import type { CheckedRequest } from "./checked_request.ts";
import { isMet, type SigningQuorum } from "./signatures.ts";
import type { SigningRequest } from "./signing_request.ts";

/** The parts of a checked request that signing needs. */
export type Signable = Pick<CheckedRequest, "envelope" | "quorums">;

/** Returns the ids of the keys that have made valid signatures, for any quorum. */
export const signersOf = (quorums: readonly SigningQuorum[]): ReadonlySet<string> =>
  new Set(quorums.flatMap(({ signed }) => signed));

/** Refuses a key whose signature would not count. @throws RebootlessError `usage`. */
export function requireUseful(id: string, quorums: readonly SigningQuorum[]): void {
  if (quorums.some(({ signed, missing }) => signed.includes(id) || missing.includes(id))) return;
  throw new RebootlessError("usage", `the signature of key ${id} would not count here`, {
    hint: "`sign --status FILE` lists the keys whose signatures count.",
  });
}

/** Adds the signatures of more keys to a request. Signatures that are invalid or do not count are dropped. */
export async function addSignatures<R extends SigningRequest>(
  request: R,
  { envelope, quorums }: Signable,
  signers: readonly KeySigner[],
): Promise<R> {
  const made = await signaturesBy(signers, envelope.signedBytes);
  return withSignatures(request, envelope, [...soundSignatures(envelope, quorums), ...made]);
}

/**
 * Makes the file to publish from a request whose thresholds are met.
 *
 * @throws RebootlessError `usage` with the number of signatures that are there, if a threshold is not met.
 */
export function completed({ envelope, quorums }: Signable): Uint8Array {
  const unmet = quorums.find((quorum) => !isMet(quorum));
  if (unmet) {
    const { of, signed, threshold } = unmet;
    throw new RebootlessError(
      "usage",
      `only ${signed.length} of ${counted(threshold, "signature")} for ${of}`,
      {
        hint: "`sign --status FILE` says who is missing.",
      },
    );
  }
  return toEnvelope(envelope.signed, soundSignatures(envelope, quorums));
}

const soundSignatures = (envelope: Envelope, quorums: readonly SigningQuorum[]): Signature[] =>
  [...signersOf(quorums)].map((id) => ({
    keyId: id,
    signature: fromHex(envelope.signatures.get(id) ?? ""),
  }));

const withSignatures = <R extends SigningRequest>(request: R, envelope: Envelope, all: Signature[]): R => ({
  ...request,
  metadata: toEnvelope(envelope.signed, all),
});
