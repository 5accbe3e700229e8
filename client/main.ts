import { parserExitCode, processOf, runCommand } from "../shared/run_command.ts";
import { systemClock } from "../shared/time.ts";
import { stateLock } from "./host/lock.ts";
import { linux } from "./host/system.ts";
import { program } from "./program.ts";

declare const REBOOTLESS_VERSION: string;

const self = processOf(process);

program(REBOOTLESS_VERSION, (command, globals, action) =>
  runCommand(self, command, globals, (terminal) =>
    action({
      places: globals,
      terminal,
      clock: systemClock,
      system: linux,
      lock: stateLock(globals.stateDir),
      exitWith: self.exitWith,
    }),
  ),
)
  .parseAsync()
  .catch((error: unknown) => self.exitWith(parserExitCode(error)));
