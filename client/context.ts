import type { Terminal } from "../node/cli/terminal.ts";
import type { Places } from "../node/config/config.ts";
import type { FolderLock } from "../node/lock.ts";
import type { StopRequests } from "../node/stop.ts";
import type { Dating } from "../shared/source_date.ts";
import type { System } from "./host/system.ts";
import type { RunRecord } from "./run_record.ts";

/** What a command is given: the folders, the terminal, the clock and the machine. */
export interface Context extends Dating {
  readonly places: Places;
  readonly terminal: Terminal;
  readonly system: System;
  /** The lock that is taken before anything is changed. */
  readonly lock: FolderLock;
  /** Requests to stop, which are checked before the kernel is changed. */
  readonly stop: StopRequests;
  /** Sets the exit code, for results that are not failures but that scripts want to know. */
  readonly exitWith: (code: number) => void;
  /** The record of what the run learns and changes, for status.json and for the machine's log. */
  readonly record: RunRecord;
}
