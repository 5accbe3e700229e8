import type { Command } from "commander";
import { DEFAULT_PLACES, type Places } from "../config/config.ts";

/** The values of the options that every command of `rebootless` takes. */
export interface GlobalOptions extends Places {
  readonly json: boolean;
  readonly quiet: boolean;
}

const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Gives a program the options that every command of `rebootless` takes, at any place in the line. */
export const withGlobalOptions = (root: Command): Command =>
  root
    .optionsGroup("Options of every command:")
    .option("--json", "print one JSON object to stdout", false)
    .option("-q, --quiet", "no progress on stderr", false)
    .option("--config-dir <dir>", "configuration and root of trust", DEFAULT_PLACES.configDir)
    .option("--state-dir <dir>", "what was verified and fetched", DEFAULT_PLACES.stateDir)
    .option("--run-dir <dir>", "what the last run found", DEFAULT_PLACES.runDir)
    .option("--set <name=value>", "a setting for this run, over every file (repeat)", many, []);
