import type { Command } from "commander";

/** Names of commands by the heading under which `--help` lists them, all in the order in which they are listed. */
export type HelpGroups = Readonly<Record<string, readonly string[]>>;

/** Lists a program's commands in groups; `help` itself is of the last one. */
export function groupHelp(command: Command, groups: HelpGroups): void {
  const order = Object.values(groups).flat();
  // The parser lists commands in the order in which it has them, and has no other way to be told.
  const commands = command.commands as Command[];
  commands.sort((a, b) => order.indexOf(a.name()) - order.indexOf(b.name()));
  for (const [heading, names] of Object.entries(groups))
    for (const one of commands) if (names.includes(one.name())) one.helpGroup(heading);
  command.commandsGroup(Object.keys(groups).at(-1) ?? "");
  command.helpCommand(true);
}
