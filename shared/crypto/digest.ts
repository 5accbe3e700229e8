import type { Sha256Hex } from "../brand.ts";
import { toHex } from "../bytes.ts";

/** The digests that TUF metadata may list. */
export type DigestAlgorithm = "sha256" | "sha512";
export const DIGEST_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  sha256: "SHA-256",
  sha512: "SHA-512",
};

/** Through WebCrypto, which Node, workerd and browsers share. */
export async function digest(algorithm: DigestAlgorithm, bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(
    await crypto.subtle.digest(DIGEST_NAMES[algorithm], bytes as Uint8Array<ArrayBuffer>),
  );
}

export async function sha256Of(bytes: Uint8Array): Promise<Sha256Hex> {
  return toHex(await digest("sha256", bytes)) as Sha256Hex;
}
