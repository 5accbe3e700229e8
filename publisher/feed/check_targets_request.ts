import { publisherVerifier } from "../../node/verifier.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import type { Instant } from "../../shared/time.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import { decodeTargets, type Envelope, parseEnvelope, type Root } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { verifyFile, verifyThreshold } from "../../shared/tuf/verify.ts";
import { expiryFault, expiryInWords } from "../keys/expiry.ts";
import type { CheckedRequest } from "./checked_request.ts";
import { manifestDiff } from "./manifest_diff.ts";
import { quorum } from "./signatures.ts";
import type { TargetsRequest } from "./signing_request.ts";
import { targetsFile } from "./targets_file.ts";

/** Checks new targets of one kernel against those in force. @throws RebootlessError `parse`, `trust`. */
export async function checkTargetsRequest(
  request: TargetsRequest,
  root: Root | undefined,
  now: Instant,
): Promise<CheckedRequest> {
  if (!root) throw new RebootlessError("trust", "targets cannot be signed before there is a root of trust");
  const { base, manifest } = request;
  const envelope = parseEnvelope(request.metadata, "targets");
  const next = await understood(request, envelope);
  const before = await previousManifest(request, root);
  const after = decodeManifest(manifest);
  if (after.kernel.buildId !== request.buildId) {
    throw new RebootlessError("trust", `the manifest is of kernel ${after.kernel.buildId}`);
  }
  const blind = base > 0 && !before ? [`no update of version ${base}, which is in force, is kept`] : [];
  const expiry = expiryFault(next.expires, now);
  return {
    diff: [
      `targets    version ${base === 0 ? "1, the first" : `${base} -> ${next.version}`}`,
      `kernel     build ID ${request.buildId}`,
      `expires    ${expiryInWords(next.expires, now)}`,
      ...manifestDiff(before, after),
    ],
    faults: expiry === undefined ? [] : [expiry],
    warnings: blind,
    envelope,
    quorums: [await quorum(`targets by root version ${root.version}`, envelope, root, "targets")],
  };
}

/**
 * Decodes the new targets, and refuses targets with content that the diff cannot show: made again from what
 * was decoded, the file has to be the same.
 */
async function understood({ buildId, base, manifest }: TargetsRequest, envelope: Envelope) {
  const next = decodeTargets(envelope.signed);
  const { expires } = next;
  const shown = await targetsFile({ buildId, version: base + 1, expires, manifest });
  if (equalBytes(canonicalJson(shown), envelope.signedBytes)) return next;
  throw new RebootlessError("trust", "the new targets do not match the manifest that comes with them", {
    hint: "They were made by other software or another version, or somebody hides something in them.",
  });
}

/**
 * Verifies the manifest that the diff compares with. It has to be the one that the targets keys signed,
 * whatever the request says.
 */
async function previousManifest(
  { buildId, base, previous }: TargetsRequest,
  root: Root,
): Promise<KernelManifest | undefined> {
  if (!previous) return undefined;
  const what = "the previous version in the request";
  const envelope = parseEnvelope(previous.targets, what);
  await verifyThreshold(envelope, roleOf(root, "targets"), root.keys, publisherVerifier.verify, what);
  const targets = decodeTargets(envelope.signed);
  const file = targets.targets.get(manifestTarget(buildId));
  if (targets.version !== base || !file) {
    throw new RebootlessError("trust", `${what} is not version ${base} of this kernel's targets`);
  }
  await verifyFile(previous.manifest, file, what, publisherVerifier.digests);
  return decodeManifest(previous.manifest);
}
