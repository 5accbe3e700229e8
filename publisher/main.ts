import { type Process, parserExitCode, runCommand } from "../shared/run_command.ts";
import { systemClock } from "../shared/time.ts";
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

program(REBOOTLESS_VERSION, (command, modes, action) =>
  runCommand(self, command, modes, (terminal) => action({ terminal, clock: systemClock })),
)
  .parseAsync()
  .catch((error: unknown) => self.exitWith(parserExitCode(error)));
