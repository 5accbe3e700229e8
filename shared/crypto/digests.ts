import type { Sha256Hex } from "../brand.ts";

/** Computes digests, as lower-case hex digits. */
export interface Digests {
  sha256(bytes: Uint8Array): Sha256Hex | Promise<Sha256Hex>;
  sha512(bytes: Uint8Array): string | Promise<string>;
}

/** The digests that TUF metadata may list. */
export type DigestAlgorithm = keyof Digests;
