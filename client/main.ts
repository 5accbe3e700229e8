import { type Process, parserExitCode, runCommand } from "../shared/run_command.ts";
import { systemClock } from "../shared/time.ts";
import { stateLock } from "./host/lock.ts";
import { linux } from "./host/system.ts";
import { program } from "./program.ts";

declare const REBOOTLESS_VERSION: string;

const self: Process = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  exitWith: (code) => {
    process.exitCode = code;
  },
};

// A reader that has seen enough (`| head`) is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

program(REBOOTLESS_VERSION, (command, globals, action) =>
  runCommand(self, command, globals, (terminal) =>
    action({
      places: globals,
      terminal,
      clock: systemClock,
      system: linux,
      lock: stateLock(globals.stateDir),
    }),
  ),
)
  .parseAsync()
  .catch((error: unknown) => self.exitWith(parserExitCode(error)));
