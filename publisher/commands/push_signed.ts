import { counted } from "../../shared/counted.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import type { PublisherContext } from "../context.ts";
import type { LocalArtifacts } from "../feed/artifact_sender.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { publishSigned } from "../feed/publish_signed.ts";
import { readTargetsRequest } from "./request_file.ts";

/** Publishes a signing request that others have signed; see `publishSigned`. */
export async function pushSigned(
  { terminal }: PublisherContext,
  proposing: ProposalOptions,
  path: string,
  artifacts: LocalArtifacts,
  feed: string,
): Promise<void> {
  const request = await readTargetsRequest(path);
  const bytes = await publishSigned(request, artifacts, proposing);
  const { buildId, base } = request;
  terminal.say(`published  version ${base + 1}, sent ${counted(bytes, "byte")}`);
  terminal.say(`feed       ${new URL(feedPath(buildId), feed)}`);
  terminal.result("push", { build_id: buildId, version: base + 1, bytes });
}
