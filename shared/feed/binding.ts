import type { BuildId } from "../brand.ts";
import type { Digests } from "../crypto/digests.ts";
import { RebootlessError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import type { Targets } from "../tuf/schema.ts";
import { verifyFile } from "../tuf/verify.ts";
import { decodeManifest, type KernelManifest } from "./manifest.ts";
import { manifestTarget } from "./paths.ts";

/**
 * Verifies a manifest against targets, and that all of it is for one kernel: the signed path, the signed field beside it
 * and the manifest itself must name this kernel.
 *
 * @param trusted a trusted set, or other targets whose signatures were verified.
 * @throws RebootlessError `trust`, `parse`.
 */
export async function verifyManifest(
  trusted: { readonly targets: Targets | undefined },
  buildId: BuildId,
  bytes: Uint8Array,
  digests: Digests,
): Promise<KernelManifest> {
  const signed = trusted.targets?.targets;
  const target = signed?.get(manifestTarget(buildId));
  if (!target) throw foreign(buildId, [...(signed?.keys() ?? [])].join(", ") || "nothing");
  const bound = isJsonObject(target.custom) ? target.custom.get("build_id") : undefined;
  if (bound !== buildId) throw foreign(buildId, String(bound));
  await verifyFile(bytes, target, "manifest", digests);
  const manifest = decodeManifest(bytes);
  if (manifest.kernel.buildId !== buildId) throw foreign(buildId, manifest.kernel.buildId);
  return manifest;
}

function foreign(buildId: BuildId, signedFor: string): RebootlessError {
  return new RebootlessError("trust", `the feed's metadata is for ${signedFor}, not for kernel ${buildId}`, {
    hint: "It may be valid for another kernel; for this one it is not, and nothing of it was kept.",
  });
}
