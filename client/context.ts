import type { Terminal } from "../node/cli/terminal.ts";
import type { Places } from "../node/config/config.ts";
import type { StateLock } from "../node/lock.ts";
import type { StopRequests } from "../node/stop.ts";
import type { Dating } from "../shared/source_date.ts";
import type { System } from "./host/system.ts";
import type { RunRecord } from "./run_record.ts";

/** What a command is given: where things are, whom it speaks to, what tells the time and touches the machine. */
export interface Context extends Dating {
  readonly places: Places;
  readonly terminal: Terminal;
  readonly system: System;
  /** To be taken before anything is changed. */
  readonly lock: StateLock;
  /** To be heeded before the kernel is changed. */
  readonly stop: StopRequests;
  /** For an answer that is no failure of the run, and that a script wants to know of. */
  readonly exitWith: (code: number) => void;
  /** What the run learns and changes, for status.json and for the machine's log. */
  readonly record: RunRecord;
}
