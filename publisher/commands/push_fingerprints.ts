import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { type FingerprintFile, openFingerprints } from "../../shared/runpre/file/decode.ts";
import { MAX_FILE_BYTES } from "../../shared/runpre/file/layout.ts";

/** The fingerprint file of a whole kernel, decoded and as bytes. */
export interface KernelFingerprints {
  readonly file: FingerprintFile;
  readonly bytes: Uint8Array;
}

/**
 * Reads a fingerprint file to its end, and refuses whatever a host would refuse in it.
 * @throws RebootlessError `usage`, `limit`, `parse`, `unsupported`.
 */
export async function readFingerprints(path: string): Promise<KernelFingerprints> {
  const bytes = await readNamed(path, MAX_FILE_BYTES);
  const file = openFingerprints(bytes);
  for (let i = 0; i < file.count; i++) {
    file.at(i);
    file.name(i);
  }
  if (file.object.name === VMLINUX) return { file, bytes };
  throw new RebootlessError(
    "usage",
    `${path} has the fingerprints of ${file.object.name}, not those of the kernel`,
  );
}

/** Adds a reference to the fingerprint file to a draft. @throws RebootlessError `usage` if it is another kernel's. */
export async function withFingerprints(
  draft: KernelManifest,
  fingerprints: KernelFingerprints | undefined,
): Promise<KernelManifest> {
  if (!fingerprints) return draft;
  const { file, bytes } = fingerprints;
  if (file.kernel.buildId !== draft.kernel.buildId) {
    throw new RebootlessError(
      "usage",
      `the fingerprints are of ${file.kernel.release} (build ID ${file.kernel.buildId}), but the draft is for ${draft.kernel.buildId}`,
    );
  }
  return { ...draft, fingerprints: { sha256: sha256Of(bytes), length: bytes.length } };
}
