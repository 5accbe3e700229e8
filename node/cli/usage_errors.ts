import type { Command } from "commander";
import { printable } from "../../shared/printable.ts";

/**
 * Makes the usage errors of a command and those below it printable, whatever the command line held, with a hint at
 * the help of the very command.
 */
export function usageErrors(command: Command, path: string = command.name()): void {
  command.configureOutput({ outputError: (message, write) => write(`${errorText(message.trimEnd())}\n`) });
  command.showHelpAfterError(`hint: ${helpHint(path)}`);
  for (const child of command.commands) usageErrors(child, `${path} ${child.name()}`);
}

/**
 * Returns the hint at a command's help.
 *
 * @param path the words of the command, such as `rebootless mirror sync`.
 */
export const helpHint = (path: string): string => `\`${path} --help\` shows what it takes.`;

/**
 * Makes a parser's message printable. The only line end that stays is the parser's own, before its guess at what was
 * meant.
 */
function errorText(message: string): string {
  const [, said = message, guess = ""] = /^(.*?)(\n\(Did you mean [ -~]+\?\))?$/s.exec(message) ?? [];
  return printable(said) + guess;
}
