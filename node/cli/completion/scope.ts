import {
  COMPLETE,
  type CommandTree,
  eachCommand,
  type OptionEntry,
  type Placeholder,
} from "../command_tree.ts";

/** The words that can follow one sequence of command words. */
export interface Scope {
  /** The sequence, such as `/keys/new`. It is empty for the program itself. */
  readonly path: string;
  readonly commands: readonly CommandTree[];
  /** The options of the command itself and those that every command takes. */
  readonly options: readonly OptionEntry[];
  readonly arguments: readonly Placeholder[];
}

export function scopes(tree: CommandTree): readonly Scope[] {
  const everywhere = tree.options.filter(
    ({ flags }) => !flags.includes("--version") && !flags.includes("--help"),
  );
  return eachCommand(tree).map(({ path, command }) => ({
    path: path.map((word) => `/${word}`).join(""),
    commands: command.commands,
    options: command === tree ? tree.options : [...command.options, ...everywhere],
    arguments: command.arguments,
  }));
}

/**
 * Returns the command that a shell runs to get words.
 *
 * @param what the topic that the placeholder names.
 */
export const asking = (program: string, what: string): string => `${program} ${COMPLETE} ${what} 2>/dev/null`;

/** Returns the name of a shell function, such as `_rebootless_publish`. */
export const functionName = (tree: CommandTree): string => `_${tree.name.replaceAll("-", "_")}`;

export const singleQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
