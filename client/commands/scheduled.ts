import { readConfig } from "../../node/config/config.ts";
import { isCode, RebootlessError, restated } from "../../shared/errors.ts";
import { formatDuration } from "../../shared/time.ts";
import { beginLine, type Condition, endLine } from "../conditions/condition.ts";
import { conditionsToSay, conditionToJson, shownConditions } from "../conditions/conditions_file.ts";
import type { Context } from "../context.ts";
import { killSwitch } from "../host/kill_switch.ts";

/** What a scheduled run does in each mode. */
export interface ScheduledRuns {
  readonly check: (context: Context) => Promise<void>;
  readonly upgrade: (context: Context) => Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes a scheduled run. It does nothing if a kill switch is set, waits for a random time, and is silent unless something
 * changed, so that cron sends a mail only if there is something to read. Lasting conditions are reported when they begin
 * and when they end, and each day if a person has to act. A feed that cannot be reached and a kernel that is not covered
 * do not make the run fail, because what was verified before is still good.
 */
export async function scheduled(
  context: Context,
  runs: ScheduledRuns,
  environment: Environment = process.env,
): Promise<void> {
  const { places, terminal, system, record } = context;
  record.scheduled = true;
  const off = await killSwitch(places, system);
  if (off !== undefined) {
    record.warnings.push(`scheduled runs are switched off: ${off}`);
    record.observe("switched_off", "", off);
    await reportConditions(context);
    terminal.result("upgrade", { switched_off: off });
    return;
  }
  record.observedAll("switched_off");
  const lines: string[] = [];
  const printLines = () => {
    for (const line of lines) terminal.say(line);
  };
  const quiet = {
    ...context,
    terminal: { ...terminal, say: (line: string) => void lines.push(line), notice },
  };
  function notice(line: string): void {
    record.observe("warning", line, line.replace(/^warning: /, ""));
  }
  const { failure, news } = await outcomeOf(quiet, runs, environment).catch(async (error: unknown) => {
    await reportConditions(context);
    printLines();
    throw error;
  });
  if (failure) return fail(context, failure, printLines);
  record.observedAll("failed", "warning");
  await reportConditions(context);
  if (news || record.changed) printLines();
}

/** Makes the run and returns how it ended. Throws if it was asked to end, and for errors in this program. */
async function outcomeOf(
  context: Context,
  runs: ScheduledRuns,
  environment: Environment,
): Promise<{ readonly failure?: RebootlessError; readonly news: boolean }> {
  try {
    const { mode, jitter } = await readConfig(context.places);
    // A systemd timer spreads the runs itself, without a process that waits.
    if (!environment["INVOCATION_ID"]) await spread(context, jitter);
    await runs[mode === "check" ? "check" : "upgrade"](context);
    return { news: mode === "check" && context.record.feed?.changed === true };
  } catch (failure) {
    if (!(failure instanceof RebootlessError) || isCode(failure, "stopped")) throw failure;
    return { failure, news: false };
  }
}

async function fail(context: Context, failure: RebootlessError, printLines: () => void): Promise<void> {
  const { terminal, record, places } = context;
  const isFeedAtFault = record.hasObserved("unreachable") || record.hasObserved("not_covered");
  if (!isFeedAtFault && !record.hasObserved("expired"))
    record.observe("failed", failure.code, failure.message);
  const begun = await reportConditions(context, failure);
  if (isFeedAtFault) {
    const conditions = await shownConditions(places.stateDir);
    const build_id = record.host?.buildId;
    return terminal.result("upgrade", { build_id, conditions: conditions.map(conditionToJson) });
  }
  if (!begun && !record.changed) throw restated(failure, { told: true });
  printLines();
  throw failure;
}

/**
 * Reports the conditions that began and ended, to the machine's log too.
 *
 * @param failure the error of the run, which is reported by the caller that it is thrown to.
 * @returns whether the failure must be reported.
 */
async function reportConditions(context: Context, failure?: RebootlessError): Promise<boolean> {
  const { terminal, record } = context;
  const { begun, over } = await conditionsToSay(context);
  const say = async (line: string) => {
    terminal.notice(line);
    await record.log(line);
  };
  for (const one of over) await say(endLine(one));
  let failed = false;
  for (const one of begun) {
    if (THROWN.has(one.name)) {
      failed = true;
      await record.log(beginLine(one));
    } else await say(`warning: ${beginLine(one)}`);
    if (HINTED.has(one.name) && failure?.hint) terminal.notice(`hint: ${failure.hint}`);
  }
  return failed;
}

const THROWN: ReadonlySet<Condition["name"]> = new Set(["expired", "failed"]);
const HINTED: ReadonlySet<Condition["name"]> = new Set(["unreachable", "not_covered"]);

async function spread({ system, terminal, record }: Context, most: number): Promise<void> {
  const wait = Math.floor(Math.random() * most);
  if (wait === 0) return;
  terminal.progress(`waiting ${formatDuration(wait)}, so that not all hosts poll at once`);
  await system.sleep(wait);
  record.waitedMs = wait;
}
