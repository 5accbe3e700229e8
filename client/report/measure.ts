import { Decoder } from "../../shared/decode.ts";
import { isCode } from "../../shared/errors.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { vexStatements } from "../../shared/feed/vex.ts";
import { type Instant, parseInstant } from "../../shared/time.ts";
import type { HostState } from "../apply/host_state.ts";
import { CONDITION_NAMES } from "../conditions/condition.ts";
import { readConditions } from "../conditions/conditions_file.ts";
import type { Context } from "../context.ts";
import { killSwitch } from "../host/kill_switch.ts";
import type { JournalView } from "../journal/journal.ts";
import type { Host } from "../this_host.ts";
import { viewHost } from "./host_view.ts";
import type { Measured } from "./metrics.ts";
import { readStatus } from "./status_file.ts";

/**
 * Collects the metrics of a host: updates from the kernel, feed and runs from what the last run left in status.json, and
 * the last transition and suspects from the journal.
 */
export async function measure(
  context: Context,
  version: string,
  host: Host,
  manifest: KernelManifest | undefined,
): Promise<Measured> {
  const { state, inForce, journal, withheld, effective } = await viewHost(context, host, manifest);
  const { updates = [], kernel } = manifest ?? {};
  const statements = kernel ? vexStatements({ kernel, updates, applied: inForce, products: [] }) : [];
  const conditions = await lastingNow(context, state);
  const left = new Decoder(await readStatus(context.places), "status.json");
  return {
    version,
    kernel: { release: host.kernel.release, effectiveRelease: effective, buildId: host.buildId },
    updates: counted(state.updates.map((update) => update.state)),
    withheld: withheld.size,
    pendingObjects: new Set([...inForce.values()].flat()).size,
    suspects: journal.ledger.suspects.size,
    foreign: state.foreign.length,
    conditions,
    cves: counted(statements.map((statement) => String(statement.get("status")))),
    feed: readable(left, feedLeft),
    run: readable(left, runLeft),
    transitionMs: lastTransition(journal),
  };
}

/** Counts the lasting conditions: those that the kernel or a file shows as they are now, the others as runs found them. */
async function lastingNow(
  { places, system }: Context,
  { updates }: HostState,
): Promise<Measured["conditions"]> {
  const noted = (await readConditions(places.stateDir)).filter(({ ended }) => ended === null);
  const live = {
    recalled: updates.filter(({ update, state }) => state === "applied" && update.recalled !== null).length,
    switched_off: (await killSwitch(places, system)) === undefined ? 0 : 1,
  };
  return CONDITION_NAMES.map((name) => {
    const since = noted.filter((one) => one.name === name).map((one) => one.since);
    const count = name === "recalled" || name === "switched_off" ? live[name] : since.length;
    return { name, count, since: count === 0 ? undefined : since.sort((a, b) => a - b)[0] };
  });
}

const counted = (words: readonly string[]): ReadonlyMap<string, number> =>
  new Map([...new Set(words)].sort().map((word) => [word, words.filter((other) => other === word).length]));

const feedLeft = (left: Decoder): Measured["feed"] => {
  const feed = left.get("feed");
  const time = (name: string): Instant => feed.get(name).as(parseInstant);
  return { version: feed.get("version").integer(0), verified: time("verified"), expires: time("expires") };
};

const runLeft = (left: Decoder): Measured["run"] => {
  const run = left.get("run");
  return {
    command: run.get("command").string(),
    exitCode: run.get("exit_code").integer(0, 255),
    ended: left.get("written").as(parseInstant),
    milliseconds: run.get("milliseconds").integer(0),
  };
};

/** Reads a part of status.json; undefined if the last run did not leave it. */
function readable<T>(left: Decoder, read: (left: Decoder) => T): T | undefined {
  try {
    return read(left);
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}

function lastTransition({ records }: JournalView): number | undefined {
  const last = records.findLast((record) => record.kind === "outcome" && record.done);
  return last?.kind === "outcome" ? last.milliseconds : undefined;
}
