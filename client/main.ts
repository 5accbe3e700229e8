import { type Process, parserExitCode, processOf, runCommand } from "../node/cli/run_command.ts";
import type { Subprogram } from "../node/cli/subprogram.ts";
import { folderLock } from "../node/lock.ts";
import { stopRequests } from "../node/stop.ts";
import { systemClock } from "../shared/time.ts";
import { machineLog } from "./host/machine_log.ts";
import { linuxSystem } from "./host/system.ts";
import { program } from "./program.ts";
import { RunRecord } from "./run_record.ts";

declare const REBOOTLESS_VERSION: string;
declare const require: NodeJS.Require;

const self = processOf("rebootless", process);

/** The mirror is a program and a bundle of its own, which lies beside this one. */
function mirrorProgram(): Subprogram {
  const bundle: { readonly mirror: (self: Process) => Subprogram } = require("./rebootless-mirror.cjs");
  return bundle.mirror(self);
}

program(
  REBOOTLESS_VERSION,
  (command, globals, action) =>
    runCommand(self, command, globals, (terminal) => {
      const lock = folderLock(globals.stateDir);
      const system = linuxSystem(lock.descriptor);
      return action({
        places: globals,
        terminal,
        clock: systemClock,
        sourceDate: process.env["SOURCE_DATE_EPOCH"],
        system,
        lock,
        stop: stopRequests(process, terminal.notice),
        exitWith: self.exitWith,
        record: new RunRecord(machineLog(system, process.env)),
      });
    }),
  mirrorProgram,
)
  .parseAsync()
  .catch((error: unknown) => self.exitWith(parserExitCode(error)));
