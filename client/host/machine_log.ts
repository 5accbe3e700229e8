import { printable } from "../../shared/printable.ts";
import type { System } from "./system.ts";

/** Writes a line about a change of state to the machine's log. */
export type MachineLog = (line: string) => Promise<void>;

/**
 * Opens the machine's log. Under systemd, the terminal already is the journal. Elsewhere, logger(1) writes the line to
 * syslog; a host without it has no log.
 */
export const machineLog =
  (system: System, environment: Readonly<Record<string, string | undefined>>): MachineLog =>
  async (line) => {
    if (environment["JOURNAL_STREAM"]) return;
    await system.run("logger", ["-t", "rebootless", "-p", "daemon.notice", "--", printable(line)]);
  };
