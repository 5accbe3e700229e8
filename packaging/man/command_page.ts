import {
  type CommandTree,
  eachCommand,
  type OptionEntry,
  type Placeholder,
  placeholderText,
} from "../../node/cli/command_tree.ts";
import type { Exit } from "../../node/cli/exit_table.ts";
import { bold, type Heading, italic, item, page, paragraph, section, subsection, text } from "./roff.ts";

/** The parts of a manual page that a command line does not contain. */
interface Prose {
  readonly heading: Heading;
  /** A few words about the purpose, which follow the name. */
  readonly purpose: string;
  readonly description: readonly string[];
  /** The sections after the options, each with its name and its body. */
  readonly more: readonly string[];
  readonly exits: readonly Exit[];
}

/** Writes the manual page of a command line, with all its commands, options and exit codes. */
export function commandPage(tree: CommandTree, prose: Prose): string {
  return page(prose.heading, prose.purpose, [
    section("SYNOPSIS", synopsis(tree)),
    section("DESCRIPTION", ...prose.description.map(paragraph)),
    section("OPTIONS", paragraph("Every command takes these:"), ...tree.options.map(optionItem)),
    section("COMMANDS", ...leaves(tree).map(commandSubsection(tree))),
    section(
      "EXIT STATUS",
      paragraph("A code that is not listed is a failure too."),
      ...prose.exits.map(exitItem),
    ),
    ...prose.more,
  ]);
}

const leaves = (tree: CommandTree) =>
  eachCommand(tree).filter(({ command }) => command.commands.length === 0);

const synopsis = (tree: CommandTree): string =>
  `${bold(tree.name)} [${italic("options")}] ${italic("command")} [${italic("arguments")}]\n`;

const commandSubsection =
  (tree: CommandTree) =>
  ({ path, command }: { readonly path: readonly string[]; readonly command: CommandTree }): string => {
    const words = [tree.name, ...path].join(" ");
    const placeholders = command.arguments.map(placeholderText).join(" ");
    const described = command.arguments.filter((argument) => argument.description !== "");
    return subsection(
      `${words} ${placeholders}`.trim(),
      `${text(sentence(command.description))}\n`,
      ...described.map(argumentItem),
      ...command.options.filter(({ flags }) => !flags.includes("--help")).map(optionItem),
    );
  };

const argumentItem = (argument: Placeholder): string =>
  item(italic(argument.name), sentence(withChoices(argument.description, argument.choices)));

function optionItem(option: OptionEntry): string {
  const flags = option.flags.map(bold);
  const value = option.value ? ` ${italic(option.value.name)}` : "";
  const notes = [
    withChoices(option.description, option.value?.choices ?? []),
    ...(option.mandatory ? ["required"] : []),
    ...(option.defaultValue === undefined ? [] : [`default: \`${option.defaultValue}\``]),
  ];
  return item(`${flags.join(", ")}${value}`, sentence(notes.join("; ")));
}

const withChoices = (description: string, choices: readonly string[]): string =>
  choices.length === 0
    ? description
    : `${description}: ${choices.map((choice) => `\`${choice}\``).join(", ")}`;

const exitItem = ({ code, meaning, advice }: Exit): string =>
  item(bold(String(code)), sentence(advice === "" ? meaning : `${meaning}. What to do: ${advice}`));

/** Makes a sentence of a description in `--help`, which has neither a capital at its start nor a full stop. */
const sentence = (raw: string): string =>
  `${raw.charAt(0).toUpperCase()}${raw.slice(1)}${/[.:]$/.test(raw) ? "" : "."}`;
