import { parserExitCode, processOf, runCommand } from "../node/cli/run_command.ts";
import { systemClock } from "../shared/time.ts";
import { program } from "./program.ts";

declare const REBOOTLESS_VERSION: string;

/**
 * The number of threads for file access. They mostly wait for the disk, and with Node's default of four one file would
 * wait for another. It must be set before the first thread is used.
 */
const THREADS = 16;
process.env["UV_THREADPOOL_SIZE"] ??= String(THREADS);

const self = processOf("rebootless-publish", process);

program(REBOOTLESS_VERSION, (command, modes, action) =>
  runCommand(self, command, modes, (terminal) =>
    action({ terminal, clock: systemClock, sourceDate: process.env["SOURCE_DATE_EPOCH"] }),
  ),
)
  .parseAsync()
  .catch((error: unknown) => self.exitWith(parserExitCode(error)));
