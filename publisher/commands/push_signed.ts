import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import type { Context } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { requireFaultless } from "../feed/checked_request.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { completed } from "../feed/request_signing.ts";
import { send } from "../feed/send.ts";
import { type Artifacts, Staging } from "../feed/staging.ts";
import { newestRoot } from "../feed/workspace.ts";
import { readTargetsRequest } from "./request_file.ts";

/** Sends what others have signed. It was signed on top of one version and cannot be moved to another. */
export async function pushSigned(
  { terminal, clock }: Context,
  { edge, workspace }: ProposalOptions,
  path: string,
  artifacts: Artifacts,
  feed: string,
): Promise<void> {
  const request = await readTargetsRequest(path);
  const checked = await checkRequest(request, await newestRoot(workspace), clock());
  requireFaultless(checked);
  const targets = completed(checked);
  const staging = new Staging(edge, artifacts);
  await staging.provide([...artifacts.keys()]);
  const { buildId, base, manifest } = request;
  const sent = await send(edge, { buildId, base, targets, manifest });
  if (sent === undefined) {
    throw new RebootlessError("conflict", `version ${base} is no longer in force: others published since`, {
      hint: "The request has to be made anew, on top of theirs: push --request, and be signed again.",
    });
  }
  const bytes = sent + staging.sent.bytes;
  terminal.say(`published  version ${base + 1}, sent ${counted(bytes, "byte")}`);
  terminal.say(`feed       ${new URL(feedPath(buildId), feed)}`);
  terminal.result("push", { build_id: buildId, version: base + 1, bytes });
}
