import { RebootlessError } from "../../shared/errors.ts";
import { ArtifactSender, type LocalArtifacts } from "./artifact_sender.ts";
import { checkRequest } from "./check_request.ts";
import { requireFaultless } from "./checked_request.ts";
import type { ProposalOptions } from "./proposal.ts";
import { newestOwnRoot } from "./publisher_folder.ts";
import { completed } from "./request_signing.ts";
import { send } from "./send.ts";
import type { TargetsRequest } from "./signing_request.ts";

/**
 * Publishes a signing request that enough people have signed, with the modules. Their signatures are for the version that
 * follows the one in force then, so they cannot be used for a later version. Returns the number of bytes sent.
 * @throws RebootlessError `conflict` if another version is in force now; `usage`, `refused`, `unreachable`.
 */
export async function publishSigned(
  request: TargetsRequest,
  artifacts: LocalArtifacts,
  { edge, folder, clock }: Pick<ProposalOptions, "edge" | "folder" | "clock">,
): Promise<number> {
  const checked = await checkRequest(request, await newestOwnRoot(folder), clock());
  requireFaultless(checked);
  const targets = completed(checked);
  const staging = new ArtifactSender(edge, artifacts);
  await staging.provide([...artifacts.keys()]);
  const { buildId, base, manifest } = request;
  const sent = await send(edge, { buildId, base, targets, manifest });
  if (sent !== undefined) return sent + staging.sent.bytes;
  throw new RebootlessError(
    "conflict",
    `version ${base} is no longer in force, because others have published since`,
    {
      hint: "Make a new request on top of theirs with push --request, and have it signed again.",
    },
  );
}
