import type { Sha256Hex } from "../brand.ts";
import { toHex } from "../bytes.ts";

/** The digests that TUF metadata may list. */
export type DigestAlgorithm = "sha256" | "sha512";
export const DIGEST_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  sha256: "SHA-256",
  sha512: "SHA-512",
};

export type DigestBackEnd = (
  algorithm: DigestAlgorithm,
  bytes: Uint8Array,
) => Uint8Array | Promise<Uint8Array>;

/** WebCrypto is in Node, workerd and browsers. */
let backEnd: DigestBackEnd = async (algorithm, bytes) =>
  new Uint8Array(await crypto.subtle.digest(DIGEST_NAMES[algorithm], bytes as Uint8Array<ArrayBuffer>));

/**
 * For a process of Node that digests a lot, at its start: WebCrypto there sends each digest to the threads that write files,
 * which takes ten times as long for a kilobyte. A digest is the same whoever makes it.
 */
export function useDigest(faster: DigestBackEnd): void {
  backEnd = faster;
}

export const digest = async (algorithm: DigestAlgorithm, bytes: Uint8Array): Promise<Uint8Array> =>
  backEnd(algorithm, bytes);

export async function sha256Of(bytes: Uint8Array): Promise<Sha256Hex> {
  return toHex(await digest("sha256", bytes)) as Sha256Hex;
}
