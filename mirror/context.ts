import type { Terminal } from "../node/cli/terminal.ts";
import type { Places } from "../node/config/config.ts";
import type { StopRequests } from "../node/stop.ts";
import type { Dating } from "../shared/source_date.ts";

/** The services that a command of the mirror gets from the process that it runs in. */
export interface Context extends Dating {
  readonly terminal: Terminal;
  /** The places of the host's configuration, which names proxies, certificates and time limits. */
  readonly places: Places;
  /** The requests to end a run that goes on until it is told to stop. */
  readonly stop: StopRequests;
  /** Ends the run with an exit code that is an answer and not a failure. */
  readonly exitWith: (code: number) => void;
}
