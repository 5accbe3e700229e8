import {
  COMPLETE,
  type CommandTree,
  eachCommand,
  type OptionEntry,
  type Placeholder,
} from "../command_tree.ts";

/** What can stand behind one sequence of command words. */
export interface Scope {
  /** `/keys/new`; empty for the command itself. */
  readonly path: string;
  readonly commands: readonly CommandTree[];
  /** Its own options and those that every command takes. */
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

/** What a shell runs to learn words. @param what as a placeholder asks. */
export const asking = (program: string, what: string): string => `${program} ${COMPLETE} ${what} 2>/dev/null`;

/** The name of a shell function: `_rebootless_publish`. */
export const functionName = (tree: CommandTree): string => `_${tree.name.replaceAll("-", "_")}`;

export const singleQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
