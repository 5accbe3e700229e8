import { writeNamed } from "../node/cli/output.ts";
import { explain } from "../node/cli/terminal.ts";
import { letOthersRead } from "../node/umask.ts";
import { EXIT } from "../shared/exit_codes.ts";
import { keepConditions } from "./conditions/conditions_file.ts";
import type { Context } from "./context.ts";
import { requireRoot } from "./host/root_user.ts";
import { metricsText } from "./report/metrics_text.ts";
import { type RunEnd, writeStatus } from "./report/status_file.ts";

/** What a command does. */
export type Action = (context: Context) => Promise<void>;

/** Wraps an action that leaves files for others to read. A file that a person names with `-o` follows the person's umask. */
export const forOthers =
  (action: Action): Action =>
  async (context) => {
    letOthersRead(process);
    await action(context);
  };

/** Wraps an action that may change the host, which only root may do. */
export const asRoot = (purpose: string, action: Action): Action =>
  forOthers(async (context) => {
    requireRoot(purpose);
    try {
      await action(context);
    } finally {
      context.lock.release();
    }
  });

/** Wraps an action whose end is written to status.json, whether it succeeds or fails. */
export const recorded =
  (command: string, version: string, action: Action): Action =>
  async (context) => {
    const start = context.system.uptime();
    const ended = async (exitCode: number, error?: RunEnd["error"]): Promise<void> => {
      const milliseconds = Math.max(0, context.system.uptime() - start - context.record.waitedMs);
      await keepConditions(context);
      try {
        await writeStatus(context, { command, version, milliseconds, exitCode, error });
      } catch (cause) {
        context.terminal.notice(`warning: status.json was not written: ${explain(cause).message}`);
      }
      await leaveMetrics(context, version);
    };
    let exitCode: number = EXIT.ok;
    const exitWith = (code: number) => {
      exitCode = code;
      context.exitWith(code);
    };
    try {
      await action({ ...context, exitWith });
    } catch (error) {
      const { code, message, exitCode: failed } = explain(error);
      await ended(failed, { code, message });
      throw error;
    }
    await ended(exitCode);
  };

/** Writes the metrics file, if one is configured. What it says of this run is in status.json by now. */
async function leaveMetrics(context: Context, version: string): Promise<void> {
  const { host, manifest } = context.record;
  if (host?.config.metricsFile === undefined) return;
  try {
    await writeNamed(host.config.metricsFile, await metricsText(context, version, host, manifest));
  } catch (cause) {
    context.terminal.notice(`warning: the metrics were not written: ${explain(cause).message}`);
  }
}
