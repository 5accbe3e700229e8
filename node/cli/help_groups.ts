/** What is used of commander's objects; shared does not depend on a parser of command lines. */
interface CommandLike {
  readonly commands: readonly NamedCommand[];
  commandsGroup(heading: string): unknown;
  helpCommand(enable: boolean): unknown;
}

interface NamedCommand {
  name(): string;
  helpGroup(heading: string): unknown;
}

/** Names of commands by the heading under which `--help` lists them, all in the order in which they are listed. */
export type HelpGroups = Readonly<Record<string, readonly string[]>>;

/** Lists a program's commands in groups; `help` itself is of the last one. */
export function groupHelp(command: CommandLike, groups: HelpGroups): void {
  const order = Object.values(groups).flat();
  // The parser lists commands in the order in which it has them, and has no other way to be told.
  const commands = command.commands as NamedCommand[];
  commands.sort((a, b) => order.indexOf(a.name()) - order.indexOf(b.name()));
  for (const [heading, names] of Object.entries(groups))
    for (const one of commands) if (names.includes(one.name())) one.helpGroup(heading);
  command.commandsGroup(Object.keys(groups).at(-1) ?? "");
  command.helpCommand(true);
}
