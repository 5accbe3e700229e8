import type { CommandTree } from "./command_tree.ts";

/**
 * A command that is a separate program in its own bundle. It is loaded into the process of the program that has the
 * command. Only data and plain functions cross over, because each bundle has its own error classes, by which errors
 * are recognised.
 */
export interface Subprogram {
  /** Reads the whole command line of this process again, runs it, and sets the exit code. It never throws. */
  run(): Promise<void>;
  /** Returns the text of `--help`. */
  help(): string;
  /** Returns the command with all commands below it, for manual pages and shells. */
  tree(): CommandTree;
}

/** The command as it is listed by the program that has it, without loading its bundle. */
export const MIRROR_COMMAND = {
  name: "mirror",
  description: "keep a mirror of a feed, for hosts without internet",
} as const;

/** Puts the tree of a subprogram's command into a command line, in the place that is reserved for it. */
export const withSubprogram = (tree: CommandTree, command: CommandTree): CommandTree => ({
  ...tree,
  commands: tree.commands.map((own) => (own.name === command.name ? command : own)),
});
