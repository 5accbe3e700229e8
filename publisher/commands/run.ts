import type { Command } from "commander";
import type { BaseContext, PublisherContext } from "../context.ts";

export interface Modes {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Runs an action in the process: gives it its context and turns what it throws into an exit code. */
export type RunInProcess = (
  command: string,
  modes: Modes,
  action: (context: BaseContext) => Promise<void>,
) => Promise<void>;

/** The same with a terminal to ask questions on. */
export type RunCommand = (
  name: string,
  self: Command,
  action: (context: PublisherContext) => Promise<void>,
) => Promise<void>;

/** Adds its commands to those of a command line. */
export type CommandGroup = (root: Command, run: RunCommand) => void;
