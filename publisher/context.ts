import type { Terminal } from "../shared/terminal.ts";
import type { Clock } from "../shared/time.ts";

/** What a command is given. */
export interface Context {
  readonly terminal: Terminal;
  readonly clock: Clock;
}
