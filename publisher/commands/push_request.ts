import { writeNew } from "../../node/cli/output.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { PublisherContext } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { type ProposalOptions, propose } from "../feed/proposal.ts";
import { newestOwnRoot } from "../feed/publisher_folder.ts";
import { encodeRequest } from "../feed/signing_request.ts";
import { targetsRequest } from "../feed/targets_request.ts";
import { consentLines } from "./consent.ts";
import { quorumLines, quorumsToJson } from "./request_file.ts";

/** Writes a signing request that adds a draft to what the feed has, for others to sign. It signs and sends nothing. */
export async function pushRequest(
  { terminal, clock }: PublisherContext,
  pushing: ProposalOptions,
  draft: KernelManifest,
  path: string,
): Promise<void> {
  const { edge, folder } = pushing;
  const request = await targetsRequest(folder, edge, await propose(draft, pushing));
  const { quorums, ...shown } = await checkRequest(request, await newestOwnRoot(folder), clock());
  await writeNew(path, encodeRequest(request));
  for (const line of [...consentLines(shown), ...quorumLines(quorums)]) terminal.say(line);
  terminal.say(`request    ${path}: each signer runs \`sign\` on it, then run \`push --signed\``);
  terminal.result("push", {
    request: path,
    build_id: request.buildId,
    version: request.base + 1,
    changes: shown.diff,
    warnings: shown.warnings,
    quorums: quorumsToJson(quorums),
  });
}
