import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { upgrade as applyAll, type Result } from "../apply/upgrade.ts";
import type { Context } from "../context.ts";
import { progressTo } from "../engines/aborted.ts";
import { livepatchEngine } from "../engines/livepatch.ts";
import { openHost } from "../host/host.ts";
import { openKernelCore } from "../host/kcore.ts";
import { kernelLine, leftOutLine, leftOutReason, pollLine } from "./describe.ts";
import { type PollingOptions, pollFeed } from "./polling.ts";

export interface UpgradeOptions extends PollingOptions {
  readonly dryRun?: boolean;
}

/** Polls, verifies, matches and applies what this kernel lacks. Throws when anything could not be applied. */
export async function upgrade(context: Context, options: UpgradeOptions): Promise<void> {
  const { places, terminal, system } = context;
  const host = await openHost(places);
  const start = performance.now();
  const { polled, feed, milliseconds } = await pollFeed(context, host, options);
  terminal.say(kernelLine(host.kernel));
  terminal.say(pollLine(polled, feed.traffic, milliseconds));

  const results = await applyAll({
    manifest: polled.manifest,
    begin: async () => {
      await context.lock.take();
      await polled.confirm();
    },
    engine: livepatchEngine({ system, progress: progressTo(terminal.progress) }),
    feed,
    directory: host.directory,
    memory: openKernelCore,
    sleep: system.sleep,
    dryRun: options.dryRun ?? false,
    progress: terminal.progress,
  });
  for (const result of results) {
    terminal.say(resultLine(result));
    if (["applied", "failed"].includes(result.result)) await context.record.change(resultLine(result));
  }
  if (results.length === 0) terminal.say("Nothing to apply.");
  const failure = failureOf(results);
  if (failure) throw failure;
  terminal.result("upgrade", {
    build_id: host.buildId,
    dry_run: options.dryRun ?? false,
    requests: feed.traffic.requests,
    bytes: feed.traffic.bytes,
    milliseconds: Math.round(performance.now() - start),
    results: results.map(resultToJson),
  });
}

function resultLine(result: Result): string {
  switch (result.result) {
    case "applied":
      return `applied    ${result.id} in ${Math.round(result.milliseconds)} ms`;
    case "would_apply":
      return `would apply ${result.id}: verified and matched, not loaded`;
    case "failed":
      return `failed     ${result.id}: ${result.error.message}`;
    case "left_out":
      return leftOutLine(result.why);
  }
}

function resultToJson(result: Result): JsonObject {
  const { id, result: kind } = result;
  switch (kind) {
    case "applied":
      return jsonObject({ id, result: kind, milliseconds: Math.round(result.milliseconds) });
    case "would_apply":
      return jsonObject({ id, result: kind });
    case "failed":
      return jsonObject({ id, result: kind, code: result.error.code, message: result.error.message });
    case "left_out":
      return jsonObject({ id, result: kind, reason: leftOutReason(result.why) });
  }
}

/** One failure is reported as itself; where others went in, the run as a whole was applied in part. */
function failureOf(results: readonly Result[]): RebootlessError | undefined {
  const failed = results.filter((result) => result.result === "failed");
  const first = failed[0];
  if (!first) return undefined;
  const applied = results.filter((result) => result.result === "applied").length;
  if (applied === 0) return first.error;
  const ids = failed.map((result) => result.id).join(", ");
  return new RebootlessError("partly_applied", `${applied} applied, ${failed.length} could not be: ${ids}`, {
    cause: first.error,
    hint: first.error.hint ?? "See the lines above.",
  });
}
