import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import type { PublisherContext } from "../context.ts";
import { ArtifactSender, type LocalArtifacts } from "../feed/artifact_sender.ts";
import { checkRequest } from "../feed/check_request.ts";
import { requireFaultless } from "../feed/checked_request.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { newestOwnRoot } from "../feed/publisher_folder.ts";
import { completed } from "../feed/request_signing.ts";
import { send } from "../feed/send.ts";
import { readTargetsRequest } from "./request_file.ts";

/**
 * Publishes a signing request that others have signed. Their signatures are for the version that follows the one in force
 * then, so they cannot be used for a later version. @throws RebootlessError `conflict` if another version is in force now.
 */
export async function pushSigned(
  { terminal, clock }: PublisherContext,
  { edge, folder }: ProposalOptions,
  path: string,
  artifacts: LocalArtifacts,
  feed: string,
): Promise<void> {
  const request = await readTargetsRequest(path);
  const checked = await checkRequest(request, await newestOwnRoot(folder), clock());
  requireFaultless(checked);
  const targets = completed(checked);
  const staging = new ArtifactSender(edge, artifacts);
  await staging.provide([...artifacts.keys()]);
  const { buildId, base, manifest } = request;
  const sent = await send(edge, { buildId, base, targets, manifest });
  if (sent === undefined) {
    throw new RebootlessError(
      "conflict",
      `version ${base} is no longer in force, because others have published since`,
      {
        hint: "Make a new request on top of theirs with push --request, and have it signed again.",
      },
    );
  }
  const bytes = sent + staging.sent.bytes;
  terminal.say(`published  version ${base + 1}, sent ${counted(bytes, "byte")}`);
  terminal.say(`feed       ${new URL(feedPath(buildId), feed)}`);
  terminal.result("push", { build_id: buildId, version: base + 1, bytes });
}
