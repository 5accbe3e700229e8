import { parserExitCode, processOf, runCommand } from "../shared/run_command.ts";
import { systemClock } from "../shared/time.ts";
import { program } from "./program.ts";

declare const REBOOTLESS_VERSION: string;

const self = processOf(process);

program(REBOOTLESS_VERSION, (command, modes, action) =>
  runCommand(self, command, modes, (terminal) => action({ terminal, clock: systemClock })),
)
  .parseAsync()
  .catch((error: unknown) => self.exitWith(parserExitCode(error)));
