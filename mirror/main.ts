import { type Process, parserExitCode, runCommand } from "../node/cli/run_command.ts";
import type { Subprogram } from "../node/cli/subprogram.ts";
import { stopRequests } from "../node/stop.ts";
import { systemClock } from "../shared/time.ts";
import { mirrorHelp, mirrorTree, program } from "./program.ts";

declare const REBOOTLESS_VERSION: string;

/** Returns `rebootless mirror`, which the host's program loads when it is asked for. */
export const mirror = (self: Process): Subprogram => ({
  run: async () => {
    const root = program(REBOOTLESS_VERSION, (command, globals, action) =>
      runCommand(self, command, globals, (terminal) =>
        action({
          places: globals,
          terminal,
          clock: systemClock,
          sourceDate: process.env["SOURCE_DATE_EPOCH"],
          stop: stopRequests(process, terminal.notice),
          exitWith: self.exitWith,
        }),
      ),
    );
    await root.parseAsync().catch((error: unknown) => self.exitWith(parserExitCode(error)));
  },
  help: () => mirrorHelp(REBOOTLESS_VERSION),
  tree: () => mirrorTree(REBOOTLESS_VERSION),
});
