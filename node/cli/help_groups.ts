import type { Command } from "commander";

/** The names of commands under the headings of `--help`, in the order in which they are listed. */
export type HelpGroups = Readonly<Record<string, readonly string[]>>;

/** Lists a program's commands in groups. The command `help` belongs to the last one. */
export function groupHelp(command: Command, groups: HelpGroups): void {
  const order = Object.values(groups).flat();
  // The parser lists commands in the order of this array, and offers no other way to choose the order.
  const commands = command.commands as Command[];
  commands.sort((a, b) => order.indexOf(a.name()) - order.indexOf(b.name()));
  for (const [heading, names] of Object.entries(groups))
    for (const one of commands) if (names.includes(one.name())) one.helpGroup(heading);
  command.commandsGroup(Object.keys(groups).at(-1) ?? "");
  command.helpCommand(true);
}
