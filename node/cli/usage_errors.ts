import type { Command } from "commander";
import { printable } from "../../shared/printable.ts";

/** A usage error is fit for a terminal whatever the command line held, and points to the help of the very command. */
export function usageErrors(command: Command, path: string = command.name()): void {
  command.configureOutput({ outputError: (message, write) => write(`${errorText(message.trimEnd())}\n`) });
  command.showHelpAfterError(`hint: ${helpHint(path)}`);
  for (const child of command.commands) usageErrors(child, `${path} ${child.name()}`);
}

/** @param path of a command, such as `rebootless mirror sync`. */
export const helpHint = (path: string): string => `\`${path} --help\` shows what it takes.`;

/** Of line ends only the parser's own is one: what it guesses was meant stands in a line of its own. */
function errorText(message: string): string {
  const [, said = message, guess = ""] = /^(.*?)(\n\(Did you mean [ -~]+\?\))?$/s.exec(message) ?? [];
  return printable(said) + guess;
}
