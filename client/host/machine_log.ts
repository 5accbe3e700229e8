import { printable } from "../../shared/printable.ts";
import type { System } from "./system.ts";

/** Tells the machine's log of a change of state, in a line. */
export type MachineLog = (line: string) => Promise<void>;

/**
 * Under systemd the terminal is the journal already. Elsewhere logger(1) brings the line to syslog; a host without it
 * has no log to be told.
 */
export const machineLog =
  (system: System, environment: Readonly<Record<string, string | undefined>>): MachineLog =>
  async (line) => {
    if (environment["JOURNAL_STREAM"]) return;
    await system.run("logger", ["-t", "rebootless", "-p", "daemon.notice", "--", printable(line)]);
  };
