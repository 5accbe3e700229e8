import type { CommandTree } from "./command_tree.ts";

/**
 * A command that is a program of its own, in a bundle of its own. It is loaded into the process of the
 * program that has the command. What crosses over is data and plain functions: an error is known by its
 * class, and each bundle has its own classes.
 */
export interface Subprogram {
  /** Reads the whole command line of this process again, runs it, and sets the exit code. It never throws. */
  run(): Promise<void>;
  /** Returns the text of `--help`. */
  help(): string;
  /** Returns the command with all below it, for man pages and shells. */
  tree(): CommandTree;
}

/** The command as the program that has it lists it, without loading it. */
export const MIRROR_COMMAND = {
  name: "mirror",
  description: "keep a mirror of a feed, for hosts without internet",
} as const;

/** Returns a command line with a command that is a program of its own in the place that is kept for it. */
export const withSubprogram = (tree: CommandTree, command: CommandTree): CommandTree => ({
  ...tree,
  commands: tree.commands.map((own) => (own.name === command.name ? command : own)),
});
