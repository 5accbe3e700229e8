import { readConfig } from "../../node/config/config.ts";
import { isCode, RebootlessError, restated } from "../../shared/errors.ts";
import { formatDuration } from "../../shared/time.ts";
import { beginLine, type Condition, endLine } from "../conditions/condition.ts";
import { conditionsToSay, conditionToJson, shownConditions } from "../conditions/conditions_file.ts";
import type { Context } from "../context.ts";
import { killSwitch } from "../host/kill_switch.ts";

/** What a scheduled run does, by the mode that is configured. */
export interface ScheduledRuns {
  readonly check: (context: Context) => Promise<void>;
  readonly upgrade: (context: Context) => Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A run by the clock: not where a kill switch is set, after a random wait, and silent unless something changed, so that
 * cron has a mail to send only when there is something to read. What lasts is said when it begins and when it ends, and
 * each day where somebody has to act. A feed that is out of reach and a kernel that is not covered are no failure of
 * the run: it did all that can be done, and what it verified before still stands.
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
    record.warnings.push(`nothing is done by the clock: ${off}`);
    record.observe("switched_off", "", off);
    await saySeen(context);
    terminal.result("upgrade", { switched_off: off });
    return;
  }
  record.observedAll("switched_off");
  const said: string[] = [];
  const aloud = () => {
    for (const line of said) terminal.say(line);
  };
  const quiet = {
    ...context,
    terminal: { ...terminal, say: (line: string) => void said.push(line), notice },
  };
  function notice(line: string): void {
    record.observe("warning", line, line.replace(/^warning: /, ""));
  }
  const { failure, news } = await ran(quiet, runs, environment).catch(async (error: unknown) => {
    await saySeen(context);
    aloud();
    throw error;
  });
  if (failure) return fail(context, failure, aloud);
  record.observedAll("failed", "warning");
  await saySeen(context);
  if (news || record.changed) aloud();
}

/** How it ended. Throws what does not last: that it was asked to end, or a fault of ours. */
async function ran(
  context: Context,
  runs: ScheduledRuns,
  environment: Environment,
): Promise<{ readonly failure?: RebootlessError; readonly news: boolean }> {
  try {
    const { mode, jitter } = await readConfig(context.places);
    // systemd's timers spread their runs by themselves, and do it without a process that waits.
    if (!environment["INVOCATION_ID"]) await spread(context, jitter);
    await runs[mode === "check" ? "check" : "upgrade"](context);
    return { news: mode === "check" && context.record.feed?.changed === true };
  } catch (failure) {
    if (!(failure instanceof RebootlessError) || isCode(failure, "stopped")) throw failure;
    return { failure, news: false };
  }
}

async function fail(context: Context, failure: RebootlessError, aloud: () => void): Promise<void> {
  const { terminal, record, places } = context;
  const suffered = record.hasObserved("unreachable") || record.hasObserved("not_covered");
  if (!suffered && !record.hasObserved("expired")) record.observe("failed", failure.code, failure.message);
  const begun = await saySeen(context, failure);
  if (suffered) {
    const conditions = await shownConditions(places.stateDir);
    const build_id = record.host?.buildId;
    return terminal.result("upgrade", { build_id, conditions: conditions.map(conditionToJson) });
  }
  if (!begun && !record.changed) throw restated(failure, { told: true });
  aloud();
  throw failure;
}

/**
 * Says what began and what is over, to the machine's log too.
 *
 * @param failure is said by whoever it is thrown to.
 * @returns whether it is to be said.
 */
async function saySeen(context: Context, failure?: RebootlessError): Promise<boolean> {
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
  terminal.progress(`waiting ${formatDuration(wait)}, so that not all hosts ask at once`);
  await system.sleep(wait);
  record.waitedMs = wait;
}
