import { formatDuration } from "../../shared/time.ts";
import { readConfig } from "../config.ts";
import type { Context } from "../context.ts";
import { killSwitch } from "../host/kill_switch.ts";

/** What a scheduled run does, by the mode that is configured. */
export interface ScheduledRuns {
  readonly check: (context: Context) => Promise<void>;
  readonly upgrade: (context: Context) => Promise<void>;
}

/**
 * A run by the clock: not where a kill switch is set, after a random wait, and silent unless something changed or
 * failed, so that cron has a mail to send only when there is something to read.
 */
export async function scheduled(
  context: Context,
  runs: ScheduledRuns,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  const { places, terminal, system, record } = context;
  const off = await killSwitch(places, system);
  if (off !== undefined) {
    record.warnings.push(`nothing is done by the clock: ${off}`);
    terminal.result("upgrade", { switched_off: off });
    return;
  }
  record.byClock = true;
  const config = await readConfig(places);
  // systemd's timers spread their runs by themselves, and do it without a process that waits.
  if (!environment["INVOCATION_ID"]) await jitter(context, config.jitter);
  const said: string[] = [];
  const quiet = { ...context, terminal: { ...terminal, say: (line: string) => void said.push(line) } };
  const aloud = () => {
    for (const line of said) terminal.say(line);
  };
  try {
    await runs[config.mode === "check" ? "check" : "upgrade"](quiet);
  } catch (error) {
    aloud();
    throw error;
  }
  const news = config.mode === "check" && record.feed?.changed;
  if (news || record.changes.length > 0) aloud();
}

async function jitter({ system, terminal, record }: Context, most: number): Promise<void> {
  const wait = Math.floor(Math.random() * most);
  if (wait === 0) return;
  terminal.progress(`waiting ${formatDuration(wait)}, so that not all hosts ask at once`);
  await system.sleep(wait);
  record.waitedMs = wait;
}
