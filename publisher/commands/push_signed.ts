import { RebootlessError } from "../../shared/errors.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import type { Context } from "../context.ts";
import { judge, requireFaultless } from "../feed/judgement.ts";
import { type PushOptions, send, stageAll } from "../feed/push.ts";
import { completed } from "../feed/request_signing.ts";
import { newestRoot } from "../feed/workspace.ts";
import { readTargetsRequest } from "./request_file.ts";

/** Sends what others have signed. It was signed on top of one version and cannot be moved to another. */
export async function pushSigned(
  { terminal, clock }: Context,
  { edge, workspace }: PushOptions,
  path: string,
  modules: readonly Uint8Array[],
  feed: string,
): Promise<void> {
  const request = await readTargetsRequest(path);
  const judgement = await judge(request, await newestRoot(workspace), clock());
  requireFaultless(judgement);
  const targets = completed(judgement);
  const staged = await stageAll(edge, modules);
  const { buildId, base, manifest } = request;
  const sent = await send(edge, { buildId, base, targets, manifest });
  if (sent === undefined) {
    throw new RebootlessError("conflict", `version ${base} is no longer in force: others published since`, {
      hint: "The request has to be made anew, on top of theirs: push --request, and be signed again.",
    });
  }
  terminal.say(`published  version ${base + 1}, sent ${sent + staged} bytes`);
  terminal.say(`feed       ${new URL(feedPath(buildId), feed)}`);
  terminal.result("push", { build_id: buildId, version: base + 1, bytes: sent + staged });
}
