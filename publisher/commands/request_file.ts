import { readNamed, writeDurably } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonValue, jsonObject } from "../../shared/json.ts";
import { inGroups, named, ownersOf } from "../../shared/tuf/key_words.ts";
import { isMet, type SigningQuorum } from "../feed/signatures.ts";
import {
  decodeRequest,
  encodeRequest,
  MAX_REQUEST_BYTES,
  type RootRequest,
  type SigningRequest,
  type TargetsRequest,
} from "../feed/signing_request.ts";

export async function readRequest(path: string): Promise<SigningRequest> {
  return decodeRequest(await readNamed(path, MAX_REQUEST_BYTES));
}

export async function readRootRequest(path: string): Promise<RootRequest> {
  const request = await readRequest(path);
  if (request.kind === "root") return request;
  throw new RebootlessError("usage", `${path} is a request for signatures on targets`, {
    hint: "Use `push --signed` for it.",
  });
}

export async function readTargetsRequest(path: string): Promise<TargetsRequest> {
  const request = await readRequest(path);
  if (request.kind === "targets") return request;
  throw new RebootlessError("usage", `${path} is a request for signatures on a root`, {
    hint: "Use `root publish` for it.",
  });
}

/** Replaces a request's file by one with more signatures, whole or not at all. */
export const rewriteRequest = (path: string, request: SigningRequest): Promise<void> =>
  writeDurably(path, encodeRequest(request), 0o644);

/** Returns a line for each key that has signed and for each that still can. */
export const quorumLines = (quorums: readonly SigningQuorum[]): readonly string[] =>
  quorums.flatMap((quorum) => [
    `${isMet(quorum) ? "complete" : "open    "}   ${quorum.of}: ${quorum.signed.length} of ${quorum.threshold} needed`,
    ...quorum.signed.map((id) => `  signed   ${inGroups(named(id, quorum.keys.get(id)))}`),
    ...quorum.missing.map((id) => `  missing  ${inGroups(named(id, quorum.keys.get(id)))}`),
  ]);

export const quorumsToJson = (quorums: readonly SigningQuorum[]): JsonValue =>
  quorums.map((quorum) =>
    jsonObject({
      of: quorum.of,
      threshold: quorum.threshold,
      met: isMet(quorum),
      signed: quorum.signed,
      missing: quorum.missing,
      owners: ownersOf([...quorum.signed, ...quorum.missing], quorum.keys),
    }),
  );
