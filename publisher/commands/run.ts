import type { Command } from "commander";
import type { BaseContext, PublisherContext } from "../context.ts";

export interface Modes {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** A function that runs an action in the process: it gives it a context and turns what it throws into an exit code. */
export type RunInProcess = (
  command: string,
  modes: Modes,
  action: (context: BaseContext) => Promise<void>,
) => Promise<void>;

/** A function like `RunInProcess` whose context can also ask questions on the terminal. */
export type RunCommand = (
  name: string,
  self: Command,
  action: (context: PublisherContext) => Promise<void>,
) => Promise<void>;

/** A function that adds its commands to those of a command line. */
export type CommandGroup = (root: Command, run: RunCommand) => void;
