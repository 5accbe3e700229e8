import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { formatInstant } from "../../shared/time.ts";
import { beginLine } from "../conditions/condition.ts";
import { shownConditions } from "../conditions/conditions_file.ts";
import type { Context } from "../context.ts";
import {
  type Check,
  type CheckOutcome,
  type CheckResult,
  checkResultToJson,
  ok,
  runChecks,
  warn,
} from "../doctor/check.ts";
import { kernelChecks } from "../doctor/kernel.ts";
import { processChecks } from "../doctor/process.ts";
import { proxyCheck } from "../doctor/proxies.ts";
import { storageChecks } from "../doctor/storage.ts";
import { setupChecks } from "../doctor/trust.ts";
import { runningKernel } from "../host/identity.ts";
import { openKernelCore } from "../host/kcore.ts";
import { openHost } from "../this_host.ts";
import { type PollingOptions, pollFeed } from "./polling.ts";

/**
 * Checks whether this host can be patched, and reports each thing that decides it.
 *
 * @throws RebootlessError `unsupported` if one of them prevents it.
 */
export async function doctor(context: Context, options: PollingOptions): Promise<void> {
  const { places, clock, system, terminal } = context;
  const results = await runChecks([
    { name: "kernel", look: async () => kernel() },
    ...kernelChecks(system),
    ...processChecks(system, openKernelCore, process.versions.node),
    ...storageChecks(places),
    ...setupChecks(places, clock, system),
    proxyCheck(places),
    runsCheck(context),
    feedCheck(context, options),
  ]);
  for (const line of results.flatMap(resultLines)) terminal.say(line);
  const answer = { checks: results.map(checkResultToJson) };
  const failed = results.filter(({ verdict }) => verdict === "fail");
  if (failed.length === 0) return terminal.result("doctor", answer);
  const names = failed.map(({ check }) => check).join(", ");
  throw new RebootlessError("unsupported", `this host cannot be patched in its present state: ${names}`, {
    answer,
  });
}

function kernel(): CheckOutcome {
  const { release, architecture, buildId } = runningKernel();
  return ok(`${release} ${architecture}, build ID ${buildId}`);
}

/** Reports the lasting conditions that scheduled runs found. */
const runsCheck = ({ places }: Context): Check => ({
  name: "runs",
  look: async () => {
    const lasting = await shownConditions(places.stateDir);
    if (lasting.length === 0) return ok("scheduled runs have nothing to report");
    return warn(lasting.map(beginLine).join("; "), "docs/monitoring.md explains each of these.");
  },
});

/** Polls the feed as `check` does: whether it answers, covers this kernel, verifies and is fresh. What verifies is stored. */
const feedCheck = (context: Context, options: PollingOptions): Check => ({
  name: "feed",
  look: async () => {
    const host = await openHost(context.places);
    const { polled } = await pollFeed(context, host, options);
    const updates = polled.manifest.updates.length;
    const how = options.offline ? "read from the cache" : "reached";
    return ok(
      `${how}, verified until ${formatInstant(polled.expires)}, ${counted(updates, "update")} for this kernel`,
    );
  },
});

function resultLines({ check, verdict, says, hint }: CheckResult): readonly string[] {
  const line = `${verdict.padEnd(5)} ${check.padEnd(14)} ${says}`;
  return hint === undefined ? [line] : [line, `${" ".repeat(21)}${hint}`];
}
